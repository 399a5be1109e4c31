"""What Tollgate's codecs write for providers and clients, against the vendors' own types and stream accumulators.

The files in router-core/tests/golden are what the codecs write (`cargo test -p router-core --test goldens` holds them
to that); those in router-core/tests/corpus are what they read. Nothing here needs a gateway.
"""

import json
import pathlib
import typing

import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, RawMessageStreamEvent
from anthropic.types.message_create_params import MessageCreateParams
from google.genai import types as gemini
from openai import omit
from openai._models import construct_type
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.completion_create_params import CompletionCreateParams
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses.response_create_params import ResponseCreateParams
from pydantic import create_model
from shapes import faults

TESTS = pathlib.Path(__file__).resolve().parents[3] / "router-core" / "tests"
DIALECTS = ["openai", "responses", "anthropic", "gemini"]
# Streams that break off. What is written of them must not look complete.
BROKEN = {"stream_error", "truncated"}
OWN_BYTES = "the provider's own bytes"

GeminiRequest = create_model(
    "GeminiRequest",
    __base__=gemini.Content.__base__,
    contents=(list[gemini.Content], ...),
    system_instruction=(gemini.Content | None, None),
    tools=(list[gemini.Tool] | None, None),
    tool_config=(gemini.ToolConfig | None, None),
    safety_settings=(list[gemini.SafetySetting] | None, None),
    generation_config=(gemini.GenerationConfig | None, None),
    cached_content=(str | None, None),
    service_tier=(str | None, None),
    labels=(dict[str, str] | None, None),
)
REQUESTS = {
    "openai": CompletionCreateParams,
    "responses": ResponseCreateParams,
    "anthropic": MessageCreateParams,
    "gemini": GeminiRequest,
}
ANSWERS = {
    "openai": ChatCompletion,
    "responses": Response,
    "anthropic": Message,
    "gemini": gemini.GenerateContentResponse,
}
EVENTS = {
    "openai": ChatCompletionChunk,
    "responses": ResponseStreamEvent,
    "anthropic": RawMessageStreamEvent,
    "gemini": gemini.GenerateContentResponse,
}


class Case(typing.NamedTuple):
    """What one golden file, or one conversation of a corpus, says."""

    name: str
    client: str
    provider: str
    sections: dict


def read_golden(path):
    """Each section by its name."""
    sections, lines = {}, None
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.startswith("--- "):
            lines = sections.setdefault(line.removeprefix("--- "), [])
        else:
            lines.append(line)
    return {name: "\n".join(lines) for name, lines in sections.items()}


def read_corpus(dialect):
    kinds = {"request.json": "sent", "answer.json": "answered", "stream.txt": "streamed"}
    cases = {}
    for path in sorted((TESTS / "corpus" / dialect).iterdir()):
        name, kind = path.name.split(".", 1)
        cases.setdefault(name, {})[kinds[kind]] = path.read_text(encoding="utf-8")
    return [Case(f"corpus-{dialect}/{name}", dialect, dialect, sections) for name, sections in cases.items()]


def cases():
    found = [case for dialect in DIALECTS for case in read_corpus(dialect)]
    for client in DIALECTS:
        for provider in DIALECTS:
            for path in sorted((TESTS / "golden" / f"{client}-{provider}").glob("*.txt")):
                sections = {
                    name: text for name, text in read_golden(path).items() if not text.startswith(OWN_BYTES)
                }
                found.append(Case(f"{client}-{provider}/{path.stem}", client, provider, sections))
    return found


CASES = cases()


def having(*sections):
    chosen = [case for case in CASES if all(section in case.sections for section in sections)]
    return pytest.mark.parametrize("case", chosen, ids=[case.name for case in chosen])


def test_every_pair_has_goldens_to_check():
    for client in DIALECTS:
        for provider in DIALECTS:
            assert sum((case.client, case.provider) == (client, provider) for case in CASES) >= 25


@having("sent")
def test_a_request_is_one_that_the_sdk_could_have_sent(case):
    sent = json.loads(case.sections["sent"])
    found = faults(sent, REQUESTS[case.provider])
    assert found == []


@having("sent")
def test_every_result_follows_the_call_that_it_is_for(case):
    calls, results = LINKS[case.provider](json.loads(case.sections["sent"]))
    assert len(set(calls)) == len(calls)
    assert set(results) <= set(calls)


@having("answered")
def test_an_answer_is_one_that_the_vendor_could_have_given(case):
    assert faults(json.loads(case.sections["answered"]), ANSWERS[case.client]) == []


@having("streamed")
def test_a_streams_events_are_the_vendors(case):
    events, _ = parse_stream(case.client, case.sections["streamed"])
    apart = [is_error(event) or event.get("type") == "ping" for event in events]
    found = [faults(event, EVENTS[case.client], f"${at}") for at, event in enumerate(events) if not apart[at]]
    assert sum(found, []) == []


@having("streamed")
def test_a_stream_is_complete_unless_it_broke_off(case):
    events, ended = parse_stream(case.client, case.sections["streamed"])
    broken = case.name.rpartition("/")[2] in BROKEN
    if case.name.startswith("corpus-") and broken:
        assert not ended
    else:
        assert ended == (not broken)
        assert is_error(events[-1]) == broken


@having("streamed")
def test_the_sdk_can_accumulate_a_stream(case):
    events, ended = parse_stream(case.client, case.sections["streamed"])
    events = [event for event in events if not is_error(event)]
    document = ACCUMULATORS[case.client](events)
    assert not ended or document is not None


@having("streamed", "answered")
def test_a_stream_says_what_the_whole_answer_says(case):
    events, _ = parse_stream(case.client, case.sections["streamed"])
    streamed = TOLD[case.client](ACCUMULATORS[case.client](events))
    answered = TOLD[case.client](json.loads(case.sections["answered"]))
    if case.client == "openai" and streamed["usage"] is None:
        # A stream of chat completions reports it to those who ask.
        del streamed["usage"], answered["usage"]
    assert streamed == answered


def parse_stream(dialect, text):
    """The events, and whether the stream says that it is complete."""
    events, done = [], False
    for block in text.replace("\r\n", "\n").strip("\n").split("\n\n"):
        lines = [line for line in block.split("\n") if not line.startswith(":")]
        fields = dict(line.split(": ", 1) for line in lines)
        assert not done and fields.keys() <= {"event", "data"} and len(fields) == len(lines), block
        if not fields:
            continue
        if fields["data"] == "[DONE]":
            assert dialect == "openai"
            done = True
            continue
        event = json.loads(fields["data"])
        named = dialect in ("responses", "anthropic")
        assert fields.get("event") == (event["type"] if named else None), block
        events.append(event)
    return events, done or COMPLETE[dialect](events)


def is_error(event):
    return "error" in event or event.get("type") in ("error", "response.failed")


def _accumulate_chat(events):
    state = ChatCompletionStreamState()
    for event in events:
        state.handle_chunk(construct_type(type_=ChatCompletionChunk, value=event))
    return state.current_completion_snapshot.to_dict()


def _accumulate_responses(events):
    """The last event's Response, which must be what the events before it came to."""
    state = ResponseStreamState(input_tools=omit, text_format=omit)
    texts, items = {}, {}
    for sequence, event in enumerate(events):
        assert event["sequence_number"] == sequence
        state.handle_event(construct_type(type_=ResponseStreamEvent, value=event))
        kind = event["type"]
        place = tuple(event.get(key) for key in ("item_id", "content_index", "summary_index"))
        about = (kind.rpartition(".")[0], place)
        if kind.endswith(".delta"):
            texts[about] = texts.get(about, "") + event["delta"]
        elif kind.endswith(".done") and about in texts:
            whole = next(event[key] for key in ("text", "refusal", "arguments", "input") if key in event)
            assert whole == texts[about]
        elif kind == "response.output_item.done":
            assert event["output_index"] not in items
            items[event["output_index"]] = event["item"]
    last = events[-1]
    if last["type"] in ("response.completed", "response.incomplete"):
        assert last["response"]["output"] == [items[index] for index in sorted(items)]
        assert sorted(items) == list(range(len(items)))
    return last.get("response")


def _accumulate_anthropic(events):
    snapshot, buffers = None, {}
    opened, closed = [], []
    for event in events:
        if event["type"] == "ping":
            continue
        if event["type"] == "content_block_start":
            assert opened == closed
            opened.append(event["index"])
        elif event["type"] == "content_block_stop":
            closed.append(event["index"])
        snapshot = accumulate_event(event=event, current_snapshot=snapshot, json_bufs=buffers)
    assert opened == list(range(len(opened)))
    return snapshot.to_dict()


def _accumulate_gemini(events):
    """Parts of all events, one after the other, as the SDK leaves them; texts that follow one another are one."""
    whole, candidates = {}, {}
    for event in events:
        parsed = gemini.GenerateContentResponse.model_validate(event)
        event = parsed.model_dump(mode="json", by_alias=True, exclude_none=True)
        for candidate in event.pop("candidates", []):
            kept = candidates.setdefault(candidate.get("index", 0), {"content": {"parts": []}})
            kept["content"]["parts"] += candidate.pop("content", {}).get("parts", [])
            kept.update(candidate)
        whole.update(event)
    return {**whole, "candidates": [candidates[index] for index in sorted(candidates)]}


def _tell_chat(document):
    told = []
    for choice in document["choices"]:
        message = choice["message"]
        calls = [call["function"] for call in message.get("tool_calls") or []]
        told.append({
            "text": message.get("content") or "",
            "refusal": message.get("refusal") or "",
            "thoughts": message.get("reasoning_content") or "",
            "details": told_details(message.get("reasoning_details") or []),
            "calls": [(call["name"], json.loads(call["arguments"])) for call in calls],
            "cited": [note["url_citation"]["url"] for note in message.get("annotations") or []],
            "logprobs": (choice.get("logprobs") or {}).get("content"),
            "finish": choice["finish_reason"],
        })
    return {"choices": told, "usage": document.get("usage"), "model": document["model"]}


def told_details(details):
    """Seals and texts of thoughts: a stream may bring a text and its seal in entries of their own."""
    seals = [entry.get("signature") or entry.get("data") for entry in details]
    texts = "".join(entry.get("text") or entry.get("summary") or "" for entry in details)
    return texts, [seal for seal in seals if seal]


def _tell_responses(document):
    told, seals = [], []
    for item in document["output"]:
        if item["type"] == "reasoning" and not item.get("summary") and not item.get("content"):
            seals.append(bare_seal(item.get("encrypted_content")))
            continue
        parts = [
            (part["type"], part.get("text", part.get("refusal")), part.get("annotations"))
            for part in [*(item.get("summary") or []), *(item.get("content") or [])]
        ]
        call = (item.get("name"), item.get("arguments") and json.loads(item["arguments"]))
        told.append((item["type"], item.get("status"), parts, call, item.get("encrypted_content")))
    usage = document.get("usage")
    return told, seals, document["status"], document["incomplete_details"], usage, document["model"]


def bare_seal(seal):
    """A seal on a text stands before it, but in a stream after it, when it comes last: then it says so."""
    return seal and seal.replace(".prev.", "..")


def _tell_anthropic(document):
    blocks, seals = [], []
    for block in document["content"]:
        if block["type"] == "thinking" and block["signature"] and not block["thinking"]:
            seals.append(bare_seal(block["signature"]))
            continue
        texts = [block.get(key) for key in ("type", "text", "thinking", "signature", "data", "name", "input")]
        cited = [cite.get("url") or cite.get("document_title") for cite in block.get("citations") or []]
        if blocks and block["type"] == blocks[-1][0][0] == "text":
            # A citation ends a text in a stream and not in an answer.
            blocks[-1][0][1] += block["text"]
            blocks[-1][1].extend(cited)
        else:
            blocks.append((texts, cited))
    # Streams begin before these are known, and the SDK looks for them in the beginning only.
    late = ("service_tier", "cache_creation")
    usage = {key: value for key, value in document["usage"].items() if value is not None and key not in late}
    return blocks, seals, document["stop_reason"], document.get("stop_sequence"), usage, document["model"]


def _tell_gemini(document):
    document = gemini.GenerateContentResponse.model_validate(document)
    document = document.model_dump(mode="json", by_alias=True, exclude_none=True)
    told = []
    for candidate in document.get("candidates", []):
        parts = []
        for part in candidate.get("content", {}).get("parts", []):
            if call := part.get("functionCall"):
                call.pop("id", None)
            # Texts of one kind that follow one another are one, and so is a seal that comes after its text.
            last = parts[-1] if parts else {}
            if {"text"} <= last.keys() and "text" in part and last.get("thought") == part.get("thought"):
                last["text"] += part.pop("text")
                last.update(part)
            elif part != {"text": ""}:
                parts.append(part)
        told.append((parts, candidate.get("finishReason"), candidate.get("groundingMetadata")))
    return told, document.get("usageMetadata"), document.get("promptFeedback"), document.get("modelVersion")


def _links_chat(request):
    calls = [call["id"] for message in request["messages"] for call in message.get("tool_calls", [])]
    return calls, [message["tool_call_id"] for message in request["messages"] if message["role"] == "tool"]


def _links_responses(request):
    items = [] if isinstance(request["input"], str) else request["input"]
    kinds = {kind: [item["call_id"] for item in items if item.get("type") == kind]
             for kind in ("function_call", "function_call_output")}
    return kinds["function_call"], kinds["function_call_output"]


def _links_anthropic(request):
    blocks = [block for message in request["messages"] if isinstance(message["content"], list)
              for block in message["content"]]
    calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
    return calls, [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]


def _links_gemini(request):
    parts = [part for content in request["contents"] for part in content["parts"]]
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    results = [part["functionResponse"] for part in parts if "functionResponse" in part]
    link = lambda end: (end.get("id"), end["name"])  # noqa: E731
    return [link(call) for call in calls], [link(result) for result in results]


COMPLETE = {
    "openai": lambda events: False,
    "responses": lambda events: events[-1]["type"] in ("response.completed", "response.incomplete"),
    "anthropic": lambda events: events[-1]["type"] == "message_stop",
    "gemini": lambda events: any(
        "finishReason" in candidate for event in events for candidate in event.get("candidates", [])
    ) or any("promptFeedback" in event for event in events),
}
LINKS = {
    "openai": _links_chat, "responses": _links_responses, "anthropic": _links_anthropic, "gemini": _links_gemini,
}
ACCUMULATORS = {
    "openai": _accumulate_chat,
    "responses": _accumulate_responses,
    "anthropic": _accumulate_anthropic,
    "gemini": _accumulate_gemini,
}
TOLD = {"openai": _tell_chat, "responses": _tell_responses, "anthropic": _tell_anthropic, "gemini": _tell_gemini}
