"""OpenAI's Responses, as strict as OpenAI, for clients that keep the conversation themselves."""

import json

from openai.types.responses import response_create_params as params
from script import ERRORS, INPUT_TOKENS, OUTPUT_TOKENS, THOUGHT, THOUGHT_TOKENS, Turn, split
from shape import check, expect

KEY_HEADERS = {"authorization": "Bearer {}"}
OWN_HEADERS = ("openai-",)
SEAL = "gAAAAABopenai-sealed_thought=="
ENCRYPTED = "reasoning.encrypted_content"
AHEAD = ("client_metadata",)
HEAD = {"id": "resp_A1", "object": "response", "created_at": 1763974800}


def read(body):
    """The turn that a request is, or why it is none."""
    stream = body.get("stream") is True
    kind = params.ResponseCreateParamsStreaming if stream else params.ResponseCreateParamsNonStreaming
    check(spelled_out(body), kind, "body")
    expect("previous_response_id" not in body, "previous_response_id", "nothing is kept here")
    given = body["input"]
    results, seals, continued = history([{"role": "user", "content": given}] if isinstance(given, str) else given)
    reasoning = body.get("reasoning") or {}
    names = [tool["name"] for tool in body.get("tools") or [] if tool["type"] == "function"]
    choice = body.get("tool_choice")
    turn = Turn(
        scenario=body["model"],
        stream=stream,
        results=results,
        continued=continued,
        seals=seals,
        thinks=(reasoning.get("effort") or "none") != "none",
        schema=schema(body),
        tools=names,
        forced=forced(choice, names),
    )
    shown = {"summary": bool(reasoning.get("summary")), "encrypted": ENCRYPTED in (body.get("include") or [])}
    return turn, shown


def spelled_out(body):
    """The body as the SDK's types have it: without what only Codex knows, with what LangChain and the AI SDK know that
    the API can do without.
    """
    body = {name: value for name, value in body.items() if name not in AHEAD}
    tools = [{"strict": None, **tool} if tool.get("type") == "function" else tool for tool in body.get("tools") or []]
    items = body.get("input")
    if isinstance(items, list):
        items = [spelled_out_message(item) if "role" in item else item for item in items]
    return {**body, "input": items, **({"tools": tools} if tools else {})}


def spelled_out_message(message):
    if message["role"] != "assistant":
        return {name: value for name, value in message.items() if name != "id"}
    if isinstance(message["content"], str):
        return message
    content = [{"annotations": [], **part} for part in message["content"]]
    return {"type": "message", "id": "msg_A1", "status": "completed", **message, "content": content}


def forced(choice, names):
    if isinstance(choice, dict):
        return choice.get("name")
    return names[0] if choice == "required" else None


def schema(body):
    wanted = (body.get("text") or {}).get("format") or {}
    return list(wanted["schema"]["properties"]) if wanted.get("type") == "json_schema" else []


def history(items):
    results, seals, calls, continued, reasoned = [], [], {}, False, None
    expect(items, "input", "is empty")
    for index, item in enumerate(items):
        path, kind = f"input[{index}]", item.get("type", "message")
        by_model = kind in ("function_call", "reasoning") or item.get("role") == "assistant"
        continued = continued or by_model
        if reasoned is not None:
            expect(by_model and kind != "reasoning", reasoned, "'reasoning' without its required following item")
            reasoned = None
        if kind == "function_call":
            expect(item["call_id"] not in calls, path, "call_id twice")
            calls[item["call_id"]] = json.loads(item["arguments"])
        elif kind == "function_call_output":
            expect(item["call_id"] in calls, path, f"No tool call found for call_id {item['call_id']}")
            results.append((calls.pop(item["call_id"]), plain(item["output"])))
        elif kind == "reasoning":
            reasoned = path
            summary = "".join(part["text"] for part in item["summary"])
            expect(summary in ("", THOUGHT), path, f"was never thought: {summary}")
            sealed = item.get("encrypted_content")
            expect(sealed in (None, SEAL), path, f"encrypted content could not be verified: {sealed}")
            expect(item["id"] == "rs_A1", path, f"no item with id {item['id']}")
            seals += [sealed] if sealed else []
        elif not by_model:
            expect(not calls, path, f"No tool output found for {list(calls)}")
    expect(reasoned is None, reasoned or "input", "'reasoning' without its required following item")
    expect(not calls, "input", f"No tool output found for {list(calls)}")
    return results, seals, continued


def plain(output):
    return output if isinstance(output, str) else "".join(part["text"] for part in output)


def items_of(reply, shown):
    items = []
    if reply.thinks:
        summary = [{"type": "summary_text", "text": THOUGHT}] if shown["summary"] else []
        item = {"id": "rs_A1", "type": "reasoning", "summary": summary}
        items.append({**item, "encrypted_content": SEAL} if shown["encrypted"] else item)
    if reply.text:
        part = {"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
        message = {"id": "msg_A1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
        items.append(message)
    for index, (name, arguments) in enumerate(reply.calls):
        ids = {"id": f"fc_{index + 1}", "call_id": f"call_{index + 1}"}
        call = {"type": "function_call", "name": name, "arguments": json.dumps(arguments), "status": "completed"}
        items.append({**ids, **call})
    return items


def document(turn, status, output, usage):
    return {
        **HEAD,
        "status": status,
        "model": turn.scenario,
        "output": output,
        "usage": usage,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
    }


def usage(reply):
    return {
        "input_tokens": INPUT_TOKENS,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": OUTPUT_TOKENS,
        "output_tokens_details": {"reasoning_tokens": THOUGHT_TOKENS if reply.thinks else 0},
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    }


def whole(reply, turn, shown):
    return document(turn, "completed", items_of(reply, shown), usage(reply))


def pieces(reply, turn, shown):
    """The events of a stream, each with its name and its data, numbered."""
    started = document(turn, "in_progress", [], None)
    items = items_of(reply, shown)
    events = [("response.created", {"response": started}), ("response.in_progress", {"response": started})]
    for index, item in enumerate(items):
        place = {"output_index": index, "item_id": item["id"]}
        begun = {**item, **({"status": "in_progress"} if "status" in item else {}), **empty(item)}
        events.append(("response.output_item.added", {"output_index": index, "item": begun}))
        events += [(kind, {**place, **members}) for kind, members in filling(item)]
        events.append(("response.output_item.done", {"output_index": index, "item": item}))
    events.append(("response.completed", {"response": document(turn, "completed", items, usage(reply))}))
    for number, (kind, members) in enumerate(events):
        yield kind, {"type": kind, "sequence_number": number, **members}


def empty(item):
    """What is not there yet when an item begins."""
    return {"message": {"content": []}, "function_call": {"arguments": ""}, "reasoning": {"summary": []}}[item["type"]]


def filling(item):
    if item["type"] == "message":
        part, at = item["content"][0], {"content_index": 0}
        yield "response.content_part.added", {**at, "part": {**part, "text": ""}}
        for piece in split(part["text"]):
            yield "response.output_text.delta", {**at, "delta": piece, "logprobs": []}
        yield "response.output_text.done", {**at, "text": part["text"], "logprobs": []}
        yield "response.content_part.done", {**at, "part": part}
    elif item["type"] == "function_call":
        for piece in split(item["arguments"]):
            yield "response.function_call_arguments.delta", {"delta": piece}
        yield "response.function_call_arguments.done", {"arguments": item["arguments"], "name": item["name"]}
    elif item["summary"]:
        part, at = item["summary"][0], {"summary_index": 0}
        yield "response.reasoning_summary_part.added", {**at, "part": {**part, "text": ""}}
        for piece in split(part["text"]):
            yield "response.reasoning_summary_text.delta", {**at, "delta": piece}
        yield "response.reasoning_summary_text.done", {**at, "text": part["text"]}
        yield "response.reasoning_summary_part.done", {**at, "part": part}


def error(name, message):
    """Status and document of an error: one of the script's, or `refused`."""
    status = ERRORS.get(name, 400)
    kind, code = {
        "error_429": ("requests", "rate_limit_exceeded"),
        "error_overloaded": ("server_error", None),
    }.get(name, ("invalid_request_error", None))
    return status, {"error": {"message": message, "type": kind, "param": None, "code": code}}
