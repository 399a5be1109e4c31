"""Anthropic's Messages, as strict as Anthropic."""

import json
import re

from anthropic.types import message_count_tokens_params, message_create_params
from anthropic.types.beta import message_create_params as beta
from script import ERRORS, INPUT_TOKENS, OUTPUT_TOKENS, THOUGHT, Turn, split
from shape import check, expect

KEY_HEADERS = {"x-api-key": "{}", "authorization": "Bearer {}"}
OWN_HEADERS = ("anthropic-",)
SEAL = "EqQBCkYIBxgCKkAnthropic/+9seal=="
VERSIONS = ("2023-06-01", "2026-10-21")
SAMPLING = ("temperature", "top_p", "top_k")


def read(body, headers):
    """The turn that a request is, or why it is none."""
    version = headers.get("anthropic-version")
    expect(version in VERSIONS, "anthropic-version", f"{version!r} is not a version")
    stream = body.get("stream") is True
    # What is in beta is told by a header, and its types are others.
    module = beta if headers.get("anthropic-beta") else message_create_params
    # The SDK's types are those of the newest version, which has no sampling any more.
    known = {name: value for name, value in body.items() if name not in SAMPLING or version != VERSIONS[0]}
    check(known, module.MessageCreateParamsStreaming if stream else module.MessageCreateParamsNonStreaming, "body")
    thinks = (body.get("thinking") or {}).get("type", "disabled") != "disabled"
    for name in SAMPLING[:2]:
        expect(0 <= body.get(name, 1) <= 1, name, "must be from 0 to 1")
    for name in SAMPLING:
        expect(version == VERSIONS[0] or name not in body, name, f"is not supported in {version}")
    choice = body.get("tool_choice") or {}
    if thinks:
        budget = body["thinking"].get("budget_tokens", 1024)
        expect(1024 <= budget < body["max_tokens"], "thinking.budget_tokens", "must be 1024 or more, below max_tokens")
        expect(body.get("temperature", 1) == 1, "temperature", "may only be set to 1 when thinking is enabled")
        expect("top_k" not in body, "top_k", "must be unset when thinking is enabled")
        expect(choice.get("type", "auto") in ("auto", "none"), "tool_choice", "thinking cannot be with forced tools")
    expect(body.get("tools") or not choice, "tool_choice", "only with tools")
    results, seals, continued = history(body["messages"])
    # In the middle of a turn, that is after a result, the thoughts that led there are wanted, if there must be some.
    lost = (
        (body.get("thinking") or {}).get("type") == "enabled"
        and "tool_result" in kinds(body["messages"][-1])
        and SEAL not in seals
    )
    expect(not lost, "messages", "Expected `thinking`: a final assistant message must start with it")
    names = [tool["name"] for tool in body.get("tools") or []]
    return Turn(
        scenario=body["model"],
        stream=stream,
        results=results,
        continued=continued,
        seals=seals,
        thinks=thinks,
        hides=thinks and body["thinking"].get("display") == "omitted",
        schema=schema(body),
        tools=names,
        forced=names[0] if choice.get("type") == "any" else choice.get("name"),
    )


def count(body):
    check(body, message_count_tokens_params.MessageCountTokensParams, "body")
    history(body["messages"])
    return {"input_tokens": INPUT_TOKENS}


def schema(body):
    wanted = (body.get("output_config") or {}).get("format") or body.get("output_format")
    return list(wanted["schema"]["properties"]) if wanted else []


def blocks(content):
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def history(messages):
    results, seals, calls, last = [], [], {}, "assistant"
    for index, message in enumerate(messages):
        role, path = message["role"], f"messages.{index}"
        if role == "system":
            continue
        expect(role != last, path, f"roles must alternate: {role} twice")
        last = role
        for at, block in enumerate(blocks(message["content"])):
            where = f"{path}.content.{at}"
            if block["type"] == "text":
                expect(block["text"].strip(), where, "text content blocks must be non-empty")
            elif block["type"] == "thinking":
                expect(block["thinking"] in ("", THOUGHT), where, "thinking blocks cannot be modified")
                expect(block["signature"] == SEAL, where, f"Invalid `signature` in `thinking` block: {block}")
                seals.append(SEAL)
            elif block["type"] == "tool_use":
                expect(re.fullmatch("[a-zA-Z0-9_-]{1,64}", block["id"]), where, "tool_use.id has other characters")
                expect(block["id"] not in calls, where, "`tool_use` ids must be unique")
                calls[block["id"]] = block["input"]
            elif block["type"] == "tool_result":
                expect(block["tool_use_id"] in calls, where, "unexpected `tool_use_id`: no call right before it")
                said = "".join(part["text"] for part in blocks(block.get("content") or []))
                results.append((calls.pop(block["tool_use_id"]), said))
        expect(role == "assistant" or not calls, path, f"`tool_use` ids without `tool_result` right after: {calls}")
    expect(not calls, "messages", f"`tool_use` ids without `tool_result`: {list(calls)}")
    expect(last == "user", "messages", "the conversation must end with a user message")
    check_thoughts_come_first(messages)
    return results, seals, any(message["role"] == "assistant" for message in messages)


def check_thoughts_come_first(messages):
    for index, message in enumerate(messages):
        there = kinds(message)
        for kind in ("thinking", "tool_result"):
            expect(kind not in there[there.count(kind) :], f"messages.{index}", f"{kind} blocks must come first")


def kinds(message):
    return [block["type"] for block in blocks(message["content"])]


def usage(output):
    return {
        "input_tokens": INPUT_TOKENS,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output,
        "service_tier": "standard",
    }


def message(turn, content, stop_reason, output):
    return {
        "id": "msg_A1",
        "type": "message",
        "role": "assistant",
        "model": turn.scenario,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": usage(output),
    }


def content_of(reply, turn):
    content = []
    if reply.thinks:
        content.append({"type": "thinking", "thinking": "" if turn.hides else THOUGHT, "signature": SEAL})
    if reply.text:
        content.append({"type": "text", "text": reply.text})
    for index, (name, arguments) in enumerate(reply.calls):
        content.append({"type": "tool_use", "id": f"toolu_{index + 1}", "name": name, "input": arguments})
    return content


def stop_reason(reply):
    return "tool_use" if reply.calls else "end_turn"


def whole(reply, turn):
    return message(turn, content_of(reply, turn), stop_reason(reply), OUTPUT_TOKENS)


def deltas(block):
    """How a block begins, and the deltas that fill it."""
    if block["type"] == "thinking":
        thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in split(block["thinking"])]
        return {**block, "thinking": "", "signature": ""}, [*thoughts, {"type": "signature_delta", "signature": SEAL}]
    if block["type"] == "text":
        return {**block, "text": ""}, [{"type": "text_delta", "text": piece} for piece in split(block["text"])]
    # An empty fragment comes first, as from Anthropic.
    fragments = ["", *split(json.dumps(block["input"]))]
    return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in fragments]


def pieces(reply, turn):
    """The events of a stream, each with its name and its data."""

    def event(kind, **members):
        return kind, {"type": kind, **members}

    yield event("message_start", message=message(turn, [], None, 1))
    yield event("ping")
    for index, block in enumerate(content_of(reply, turn)):
        start, filling = deltas(block)
        yield event("content_block_start", index=index, content_block=start)
        for delta in filling:
            yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)
    ended = {"stop_reason": stop_reason(reply), "stop_sequence": None}
    yield event("message_delta", delta=ended, usage=usage(OUTPUT_TOKENS))
    yield event("message_stop")


def error(name, message):
    """Status and document of an error: one of the script's, or `refused`."""
    status = 529 if name == "error_overloaded" else ERRORS.get(name, 400)
    kind = {400: "invalid_request_error", 429: "rate_limit_error", 529: "overloaded_error"}[status]
    return status, {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_A1"}
