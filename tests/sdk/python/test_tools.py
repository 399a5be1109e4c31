"""Tools: the call, its result, the final answer."""

import json

from conftest import MODEL, WEATHER

ASK = [{"role": "user", "content": "What is the weather in Paris?"}]


def test_a_call_its_result_and_the_final_answer(client):
    first = client.chat.completions.create(model=MODEL, messages=ASK, tools=[WEATHER])
    assert first.choices[0].finish_reason == "tool_calls"
    message = first.choices[0].message
    (call,) = message.tool_calls
    assert (call.type, call.function.name) == ("function", "get_weather")
    assert set(json.loads(call.function.arguments)) == {"city", "days"}
    result = {"role": "tool", "tool_call_id": call.id, "content": "18 degrees"}
    final = client.chat.completions.create(model=MODEL, messages=[*ASK, message, result], tools=[WEATHER])
    assert final.choices[0].finish_reason == "stop"
    assert '"18 degrees"' in final.choices[0].message.content


def test_fragments_of_a_streamed_call_are_the_call(client):
    whole = client.chat.completions.create(model=MODEL, messages=ASK, tools=[WEATHER])
    calls, finishes = {}, []
    for chunk in client.chat.completions.create(model=MODEL, messages=ASK, tools=[WEATHER], stream=True):
        choice = chunk.choices[0]
        finishes += [choice.finish_reason] if choice.finish_reason else []
        for part in choice.delta.tool_calls or []:
            call = calls.setdefault(part.index, {"ids": [], "name": "", "arguments": ""})
            call["ids"] += [part.id] if part.id else []
            call["name"] += part.function.name or ""
            call["arguments"] += part.function.arguments or ""
    assert list(calls) == [0] and len(calls[0]["ids"]) == 1 and finishes == ["tool_calls"]
    assert calls[0]["name"] == "get_weather"
    expected = whole.choices[0].message.tool_calls[0].function.arguments
    assert json.loads(calls[0]["arguments"]) == json.loads(expected)


def test_the_choice_of_a_tool_is_passed_on(client):
    def asked(choice):
        return client.chat.completions.create(model=MODEL, messages=ASK, tools=[WEATHER], tool_choice=choice)

    assert asked("none").choices[0].finish_reason == "stop"
    named = asked({"type": "function", "function": {"name": "get_weather"}})
    assert named.choices[0].message.tool_calls[0].function.name == "get_weather"
