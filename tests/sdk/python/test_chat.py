"""Chat: whole, streamed, asynchronous, structured, broken off."""

import asyncio
from decimal import Decimal

from conftest import HELLO, MODEL
from openai import AsyncOpenAI
from pydantic import BaseModel


def test_a_chat_is_answered_and_counted(client):
    answer = client.chat.completions.create(model=MODEL, messages=HELLO)
    assert answer.object == "chat.completion" and answer.id.startswith("chatcmpl-")
    assert answer.choices[0].finish_reason == "stop"
    assert '"Hello!"' in answer.choices[0].message.content
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def test_a_model_can_be_asked_for_with_its_provider(client):
    answer = client.chat.completions.with_raw_response.create(model=f"demo/{MODEL}", messages=HELLO)
    assert answer.headers["x-tollgate-model"] == f"demo/{MODEL}"
    undeclared = client.chat.completions.with_raw_response.create(model="demo/never-declared", messages=HELLO)
    assert undeclared.headers["x-tollgate-model"] == "demo/never-declared"
    assert undeclared.parse().model == "never-declared"
    assert "x-tollgate-cost-usd" not in undeclared.headers


def test_text_beyond_ascii_comes_back_as_it_was(client):
    said = 'naïve "漢字" 🦀\u2028\t\\ end'
    answer = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": said}])
    assert said in answer.choices[0].message.content


def test_several_choices_and_a_limit(client):
    answer = client.chat.completions.create(model=MODEL, messages=HELLO, n=3, max_completion_tokens=4)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert {choice.finish_reason for choice in answer.choices} == {"length"}
    assert answer.usage.completion_tokens == 12


def test_headers_tell_who_served_what_it_cost_and_how_it_is_called(client, log):
    request_id = log.new_id()
    raw = client.chat.completions.with_raw_response.create(
        model=MODEL, messages=HELLO, extra_headers={"x-request-id": request_id}
    )
    answer = raw.parse()
    assert raw.headers["x-request-id"] == raw.request_id == answer._request_id == request_id
    assert raw.headers["x-tollgate-model"] == f"demo/{MODEL}"
    assert raw.headers["x-tollgate-attempts"] == "1"
    assert int(raw.headers["x-tollgate-overhead-us"]) >= 0
    assert int(raw.headers["x-tollgate-tokens-input"]) == answer.usage.prompt_tokens
    assert int(raw.headers["x-tollgate-tokens-output"]) == answer.usage.completion_tokens
    # The demo provider's tokens cost 1 and 2 credits per million.
    cost = Decimal(answer.usage.prompt_tokens + 2 * answer.usage.completion_tokens) / 1_000_000
    assert Decimal(raw.headers["x-tollgate-cost-usd"]) == cost
    (line,) = log.all_of(request_id)
    assert (line["http.response.status_code"], line["tollgate.outcome"]) == (200, "complete")
    assert Decimal(line["tollgate.cost_usd"]) == cost


def test_an_id_is_made_when_the_client_has_none(client):
    answer = client.chat.completions.create(model=MODEL, messages=HELLO)
    assert answer._request_id.startswith("req_")


def test_a_stream_is_the_same_answer_in_pieces_without_usage(client):
    whole = client.chat.completions.create(model=MODEL, messages=HELLO, max_completion_tokens=12)
    chunks = list(client.chat.completions.create(model=MODEL, messages=HELLO, max_completion_tokens=12, stream=True))
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason] == ["length"]


def test_usage_that_was_asked_for_is_the_last_chunk_and_the_log_has_it_either_way(client, log):
    for options in ({}, {"stream_options": {"include_usage": True}}):
        request_id = log.new_id()
        chunks = list(
            client.chat.completions.create(
                model=MODEL,
                messages=HELLO,
                max_completion_tokens=5,
                stream=True,
                extra_headers={"x-request-id": request_id},
                **options,
            )
        )
        counted = [chunk for chunk in chunks if chunk.usage]
        assert len(counted) == (1 if options else 0)
        if options:
            assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 5
        (line,) = log.all_of(request_id)
        assert (line["tollgate.usage"], line["tollgate.tokens.output"]) == ("reported", 5)


def test_a_streams_head_tells_who_serves(client):
    with client.chat.completions.with_streaming_response.create(
        model=MODEL, messages=HELLO, max_completion_tokens=3, stream=True
    ) as raw:
        assert raw.headers["content-type"].startswith("text/event-stream")
        assert raw.headers["x-tollgate-model"] == f"demo/{MODEL}"
        # The cost is not known yet.
        assert "x-tollgate-cost-usd" not in raw.headers
        lines = [line for line in raw.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"


def test_the_stream_helper_puts_an_answer_together(client):
    with client.chat.completions.stream(model=MODEL, messages=HELLO, stop=" of Tollgate") as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta"} <= kinds
    assert final.choices[0].message.content == "Hello from the demo provider"


def test_a_structured_answer_is_parsed(client):
    class Person(BaseModel):
        name: str
        age: int

    answer = client.chat.completions.parse(
        model=MODEL, messages=[{"role": "user", "content": "a person, please"}], response_format=Person
    )
    assert isinstance(answer.choices[0].message.parsed, Person)


def test_the_asynchronous_client_runs_many_at_once():
    async def ask(client, number):
        messages = [{"role": "user", "content": f"number {number}"}]
        if number % 2:
            answer = await client.chat.completions.create(model=MODEL, messages=messages)
            return answer.choices[0].message.content
        text = ""
        async for chunk in await client.chat.completions.create(
            model=MODEL, messages=messages, stream=True, stop="\n\nFor real"
        ):
            text += chunk.choices[0].delta.content or ""
        return text

    async def run():
        async with AsyncOpenAI() as client:
            return await asyncio.gather(*(ask(client, number) for number in range(20)))

    for number, text in enumerate(asyncio.run(run())):
        assert f'You said: "number {number}"' in text


def test_a_stream_that_the_client_breaks_off_ends_at_the_gateway_too(client, log):
    request_id = log.new_id()
    stream = client.chat.completions.create(
        model=MODEL, messages=HELLO, stream=True, extra_headers={"x-request-id": request_id}
    )
    assert next(stream).id
    stream.close()
    (line,) = log.wait_for(request_id)
    assert (line["http.response.status_code"], line["tollgate.outcome"]) == (499, "client_gone")


def test_a_cancelled_task_ends_its_request_at_the_gateway_too(log):
    request_id = log.new_id()

    async def run():
        async with AsyncOpenAI() as client:
            stream = await client.chat.completions.create(
                model=MODEL, messages=HELLO, stream=True, extra_headers={"x-request-id": request_id}
            )
            begun = asyncio.Event()

            async def read():
                async for _ in stream:
                    begun.set()

            task = asyncio.create_task(read())
            await begun.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    (line,) = log.wait_for(request_id)
    assert line["tollgate.outcome"] == "client_gone"
