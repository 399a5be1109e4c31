"""Google's generateContent, as strict as Google."""

import base64
import json

from google.genai import types
from pydantic import TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from script import ERRORS, INPUT_TOKENS, OUTPUT_TOKENS, THOUGHT, THOUGHT_TOKENS, Turn
from shape import Refused, expect

KEY_HEADERS = {"x-goog-api-key": "{}"}
OWN_HEADERS = ("x-goog-",)
# Both alphabets of base64 spell these bytes differently.
SEAL = b"gemini\xfb\xff\xfe seal"
# What Google documents for calls whose signature is not to be had.
NO_SEAL = base64.urlsafe_b64decode("skip_thought_signature_validator")
STATUSES = {400: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
# The members of the body, and what they are.
MEMBERS = {
    "contents": list[types.Content],
    "systemInstruction": types.Content,
    "tools": list[types.Tool],
    "toolConfig": types.ToolConfig,
    "safetySettings": list[types.SafetySetting],
    "generationConfig": types.GenerationConfig,
    "cachedContent": str,
    "serviceTier": types.ServiceTier,
}
COUNT_MEMBERS = {"contents": list[types.Content], "generateContentRequest": dict}


def read(model, stream, body):
    """The turn that a request is, or why it is none."""
    body = parse(body, MEMBERS)
    results, seals, continued = history(body["contents"])
    config = body.get("generationConfig") or {}
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    declared = [each for tool in body.get("tools") or [] for each in tool.get("functionDeclarations") or []]
    names = [each["name"] for each in declared]
    thinking = config.get("thinkingConfig") or {}
    return Turn(
        scenario=model,
        stream=stream,
        results=results,
        continued=continued,
        seals=seals,
        # 0 turns thinking off. Thoughts are signed in any case, and shown to those who asked to see them.
        thinks=bool(thinking) and thinking.get("thinkingBudget") != 0,
        hides=not thinking.get("includeThoughts"),
        schema=schema(config),
        tools=names,
        forced=(calling.get("allowedFunctionNames") or names)[0] if calling.get("mode") == "ANY" else None,
    )


def count(body):
    parse(body, COUNT_MEMBERS)
    return {"totalTokens": INPUT_TOKENS, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": INPUT_TOKENS}]}


def parse(body, known):
    """The body in one spelling: Google takes names with_underscores as well, and its Python SDK mixes the two."""
    parsed = {}
    for given, value in body.items():
        name = to_camel(given)
        expect(name in known, given, "Cannot find field")
        try:
            valid = TypeAdapter(known[name]).validate_python(value)
        except ValidationError as invalid:
            raise Refused(f"{given}: {invalid}") from invalid
        adapter = TypeAdapter(known[name])
        parsed[name] = adapter.dump_python(valid, mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
    expect(parsed.get("contents"), "contents", "is not specified")
    return parsed


def schema(config):
    given = config.get("responseJsonSchema") or config.get("responseSchema")
    if not given:
        return []
    expect(config.get("responseMimeType") == "application/json", "responseMimeType", "a schema wants application/json")
    return list(given["properties"])


def history(contents):
    results, seals, calls = [], [], []
    turns = merged(contents)
    for index, (role, parts) in enumerate(turns):
        path = f"contents[{index}]"
        answered = [part["functionResponse"] for part in parts if "functionResponse" in part]
        # Google counts: as many responses as calls, right after them, of the same names.
        names = [call["name"] for call in calls]
        expect(sorted(each["name"] for each in answered) == sorted(names), path, "responses must equal calls")
        results += [(taken(calls, each, path), json.dumps(each["response"])) for each in answered]
        calls = [part["functionCall"] for part in parts if "functionCall" in part]
        expect(role == "model" or not calls, path, "functionCall is the model's")
        seals += [seal_of(part, path) for part in parts if "thoughtSignature" in part]
        thought = "".join(part["text"] for part in parts if part.get("thought"))
        expect(thought in ("", THOUGHT), path, f"was never thought: {thought}")
    expect(turns[0][0] == "user", "contents", "the first turn must be a user's")
    expect(turns[-1][0] == "user" and not calls, "contents", "the last turn must be a user's, with all responses")
    return results, seals, len(turns) > 1


def merged(contents):
    """The turns: several contents of one role are one, as the SDK keeps the pieces of a stream."""
    turns = []
    for index, content in enumerate(contents):
        role = content.get("role", "user")
        expect(role in ("user", "model"), f"contents[{index}]", "Please use a valid role: user, model")
        expect(content.get("parts"), f"contents[{index}]", "parts must not be empty")
        if not turns or turns[-1][0] != role:
            turns.append((role, []))
        turns[-1][1].extend(content["parts"])
    return turns


def taken(calls, response, path):
    """The arguments of the call that a response is for: by its id, or the first of its name."""
    for call in calls:
        if call["name"] == response["name"] and call.get("id") == response.get("id"):
            calls.remove(call)
            return call.get("args") or {}
    raise Refused(f"{path}: {response} is for none of {calls}")


def seal_of(part, path):
    # Parsed and written again, it is in the alphabet for addresses.
    data = base64.urlsafe_b64decode(part["thoughtSignature"])
    expect(data in (SEAL, NO_SEAL), path, f"Thought signature is not valid: {part}")
    return data


def usage(reply):
    thoughts = THOUGHT_TOKENS if reply.thinks else 0
    return {
        "promptTokenCount": INPUT_TOKENS,
        "candidatesTokenCount": OUTPUT_TOKENS - thoughts,
        **({"thoughtsTokenCount": thoughts} if thoughts else {}),
        "totalTokenCount": INPUT_TOKENS + OUTPUT_TOKENS,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": INPUT_TOKENS}],
    }


def answer(turn, parts, finish=None):
    candidate = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": turn.scenario, "responseId": "A1"}


def calls_of(reply):
    parts = []
    for name, arguments in reply.calls:
        part = {"functionCall": {"name": name, "args": arguments}}
        # The first call of a turn carries the signature, if thoughts led to it.
        if reply.thinks and not parts:
            part["thoughtSignature"] = base64.b64encode(SEAL).decode()
        parts.append(part)
    return parts


def whole(reply, turn):
    parts = [{"text": THOUGHT, "thought": True}] if reply.thinks and not turn.hides else []
    if reply.text:
        parts.append({"text": reply.text})
        if reply.thinks:
            parts[-1]["thoughtSignature"] = base64.b64encode(SEAL).decode()
    return {**answer(turn, parts + calls_of(reply), "STOP"), "usageMetadata": usage(reply)}


def pieces(reply, turn):
    """The events of a stream, each with its name (none here) and its data."""
    counted = {"promptTokenCount": INPUT_TOKENS, "totalTokenCount": INPUT_TOKENS}
    if reply.thinks and not turn.hides:
        for piece in (THOUGHT[:4], THOUGHT[4:]):
            yield None, {**answer(turn, [{"text": piece, "thought": True}]), "usageMetadata": counted}
    for piece in reply.text_pieces():
        yield None, {**answer(turn, [{"text": piece}]), "usageMetadata": counted}
    # A call comes whole, never in fragments.
    for part in calls_of(reply):
        yield None, {**answer(turn, [part]), "usageMetadata": counted}
    last = {"text": ""}
    if reply.thinks and reply.text:
        last["thoughtSignature"] = base64.b64encode(SEAL).decode()
    yield None, {**answer(turn, [last], "STOP"), "usageMetadata": usage(reply)}


def error(name, message):
    """Status and document of an error: one of the script's, or `refused`."""
    status = ERRORS.get(name, 400)
    return status, {"error": {"code": status, "message": message, "status": STATUSES[status]}}
