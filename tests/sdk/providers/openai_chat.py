"""OpenAI's Chat Completions, as strict as OpenAI, with the `reasoning_content` of those who are compatible with it."""

import json

from openai.types.chat import completion_create_params as params
from script import ERRORS, INPUT_TOKENS, OUTPUT_TOKENS, THOUGHT, THOUGHT_TOKENS, Turn, split
from shape import check, expect

KEY_HEADERS = {"authorization": "Bearer {}"}
OWN_HEADERS = ("openai-",)
# Thoughts are shown and never signed.
SEAL = None
DONE = "[DONE]"
HEAD = {"id": "chatcmpl-A1", "created": 1763974800}


def read(body):
    """The turn that a request is, or why it is none."""
    stream = body.get("stream") is True
    kind = params.CompletionCreateParamsStreaming if stream else params.CompletionCreateParamsNonStreaming
    check(without_answers_own(body), kind, "body")
    expect(stream or "stream_options" not in body, "stream_options", "only with stream")
    # The gateway bills by usage, so it must have asked for it whatever its client did.
    asked = (body.get("stream_options") or {}).get("include_usage")
    expect(not stream or asked is True, "stream_options.include_usage", "is not true")
    results, continued = history(body["messages"])
    names = [tool["function"]["name"] for tool in body.get("tools") or []]
    choice = body.get("tool_choice")
    return Turn(
        scenario=body["model"],
        stream=stream,
        results=results,
        continued=continued,
        thinks=(body.get("reasoning_effort") or "none") != "none",
        schema=schema(body.get("response_format")),
        tools=names,
        forced=forced(choice, names),
    )


def without_answers_own(body):
    """The body without what answers have, requests need not, and the SDK sends back with the message that it got.

    OpenAI knows no `reasoning_content`; those who issue it take it back as it was, or not at all.
    """
    messages = []
    for index, given in enumerate(body.get("messages") or []):
        message = dict(given)
        if message["role"] == "assistant":
            expect(not message.pop("annotations", None), f"messages[{index}].annotations", "were never made")
        thought = message.pop("reasoning_content", None)
        expect(thought in (None, THOUGHT), f"messages[{index}].reasoning_content", f"was never said: {thought!r}")
        messages.append(message)
    return {**body, "messages": messages}


def forced(choice, names):
    if isinstance(choice, dict):
        return choice.get("function", {}).get("name")
    return names[0] if choice == "required" else None


def schema(given):
    if not given or given["type"] != "json_schema":
        return []
    return list(given["json_schema"]["schema"]["properties"])


def history(messages):
    results, calls, continued = [], {}, False
    expect(messages, "messages", "[] is too short")
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        if message["role"] == "tool":
            expect(message["tool_call_id"] in calls, path, "must follow a message with its tool_calls")
            results.append((calls.pop(message["tool_call_id"]), plain(message["content"])))
            continue
        expect(not calls, path, f"tool_call_ids without a result right after them: {list(calls)}")
        if message["role"] == "assistant":
            continued = True
            made = message.get("tool_calls") or []
            expect(message.get("content") or made, path, "says nothing")
            calls = {call["id"]: json.loads(call["function"]["arguments"]) for call in made}
            expect(len(calls) == len(made), path, "has one id twice")
    expect(not calls, "messages", f"tool_call_ids without a result: {list(calls)}")
    return results, continued


def plain(content):
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def usage(reply):
    thoughts = THOUGHT_TOKENS if reply.thinks else 0
    return {
        "prompt_tokens": INPUT_TOKENS,
        "completion_tokens": OUTPUT_TOKENS,
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": thoughts,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def whole(reply, turn):
    message = {"role": "assistant", "content": reply.text or None, "refusal": None, "annotations": []}
    if reply.thinks:
        message["reasoning_content"] = THOUGHT
    if reply.calls:
        message["tool_calls"] = [
            {"id": call_id(index), "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            for index, (name, arguments) in enumerate(reply.calls)
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish(reply)}
    return {
        **HEAD,
        "object": "chat.completion",
        "model": turn.scenario,
        "choices": [choice],
        "usage": usage(reply),
        "service_tier": "default",
        "system_fingerprint": "fp_1",
    }


def call_id(index):
    return f"call_{index + 1}"


def finish(reply):
    return "tool_calls" if reply.calls else "stop"


def pieces(reply, turn):
    """The events of a stream, each with its name (none here) and its data."""

    def chunk(delta, finish_reason=None):
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return None, {**base, "choices": [choice], "usage": None}

    base = {**HEAD, "object": "chat.completion.chunk", "model": turn.scenario, "system_fingerprint": "fp_1"}
    yield chunk({"role": "assistant", "content": "", "refusal": None})
    if reply.thinks:
        for piece in split(THOUGHT):
            yield chunk({"reasoning_content": piece})
    for piece in reply.text_pieces():
        yield chunk({"content": piece})
    for index, (name, arguments) in enumerate(reply.calls):
        function = {"name": name, "arguments": ""}
        yield chunk({"tool_calls": [{"index": index, "id": call_id(index), "type": "function", "function": function}]})
        for piece in split(json.dumps(arguments)):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, finish(reply))
    yield None, {**base, "choices": [], "usage": usage(reply)}
    yield None, DONE


def error(name, message):
    """Status and document of an error: one of the script's, or `refused`."""
    status = ERRORS.get(name, 400)
    kind, code = {
        "error_429": ("requests", "rate_limit_exceeded"),
        "error_overloaded": ("server_error", None),
        "error_401": ("invalid_request_error", "invalid_api_key"),
    }.get(name, ("invalid_request_error", None))
    return status, {"error": {"message": message, "type": kind, "param": None, "code": code}}
