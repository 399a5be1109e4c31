"""The scripted providers refuse what their originals refuse: without that, a wrong translation would go unseen."""

import json
import os
import urllib.error
import urllib.request

import pytest

ASK = {"role": "user", "content": "Weather in Paris?"}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}}
USE = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}}
THINKING = {"type": "enabled", "budget_tokens": 1024}
USER = {"role": "user", "parts": [{"text": "Hi"}]}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "18 C"}
REASONING = {"type": "reasoning", "id": "rs_A1", "summary": [], "encrypted_content": "other"}

KEYS = {
    "openai": ("authorization", f"Bearer {os.environ['UPSTREAM_KEY_OPENAI']}"),
    "anthropic": ("x-api-key", os.environ["UPSTREAM_KEY_ANTHROPIC"]),
    "gemini": ("x-goog-api-key", os.environ["UPSTREAM_KEY_GEMINI"]),
}
CHAT = ("openai/v1/chat/completions", {"model": "text", "messages": [ASK]})
RESPONSES = ("openai/v1/responses", {"model": "text", "input": [ASK]})
MESSAGES = ("anthropic/v1/messages", {"model": "text", "max_tokens": 2048, "messages": [ASK]})
GEMINI = ("gemini/v1beta/models/text:generateContent", {"contents": [USER]})


def post(path, body, **headers):
    name, key = KEYS[path.split("/")[0]]
    sent = {"content-type": "application/json", "anthropic-version": "2023-06-01", name: key, **headers}
    if not path.startswith("anthropic"):
        del sent["anthropic-version"]
    sent = {name.replace("_", "-"): value for name, value in sent.items()}
    request = urllib.request.Request(f"{os.environ['TOLLGATE_PROVIDERS_URL']}/{path}", json.dumps(body).encode(), sent)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


@pytest.mark.parametrize("path, body", [CHAT, RESPONSES, MESSAGES, GEMINI])
def test_what_is_right_is_answered(path, body):
    status, answer = post(path, body)
    assert status == 200 and "Rayleigh scattering." in answer


@pytest.mark.parametrize("path, body", [CHAT, RESPONSES, MESSAGES, GEMINI])
@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer tg-client"},
        {"x_goog_api_key": "another"},
        {"x_tollgate_tags": "team"},
        {"x_note": "tg-client"},
        {"anthropic_beta": "x", "openai_beta": "x"},
    ],
)
def test_headers_that_are_not_for_it_are_refused(path, body, headers):
    assert post(path, body, **headers)[0] == 400


WRONG = [
    (CHAT, {"top_k": 3}, "top_k"),
    (CHAT, {"stream": True}, "include_usage"),
    (CHAT, {"stream_options": {"include_usage": True}}, "stream"),
    (CHAT, {"messages": [ASK, {"role": "assistant", "tool_calls": [CALL]}, ASK]}, "without a result"),
    (CHAT, {"messages": [ASK, {"role": "tool", "tool_call_id": "call_1", "content": "x"}]}, "must follow"),
    (CHAT, {"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, "messages[0]"),
    (
        CHAT,
        {"messages": [ASK, {"role": "assistant", "content": "x", "reasoning_details": []}, ASK]},
        "reasoning_details",
    ),
    (RESPONSES, {"messages": [ASK]}, "messages"),
    (RESPONSES, {"input": [ASK, RESULT]}, "No tool call found"),
    (RESPONSES, {"input": [ASK, REASONING, ASK]}, "could not be verified"),
    (RESPONSES, {"input": [ASK, {**REASONING, "encrypted_content": None}, ASK]}, "required following item"),
    (RESPONSES, {"max_tokens": 5}, "max_tokens"),
    (MESSAGES, {"max_tokens": None}, "max_tokens"),
    (MESSAGES, {"messages": [ASK, ASK]}, "alternate"),
    (MESSAGES, {"thinking": {**THINKING, "budget_tokens": 2048}}, "budget_tokens"),
    (MESSAGES, {"thinking": THINKING, "temperature": 0.5}, "temperature"),
    (MESSAGES, {"messages": [ASK, {"role": "assistant", "content": [USE]}, ASK]}, "without `tool_result`"),
    (MESSAGES, {"messages": [{"role": "user", "content": ""}]}, "non-empty"),
    (MESSAGES, {"tools": [{"name": "get_weather", "parameters": CITY}]}, "tools[0]"),
    (GEMINI, {"messages": []}, "Cannot find field"),
    (GEMINI, {"generationConfig": {"maxTokens": 5}}, "maxTokens"),
    (GEMINI, {"contents": [{"role": "assistant", "parts": [{"text": "Hi"}]}]}, "valid role"),
    (GEMINI, {"contents": [USER, {"role": "model", "parts": [{"functionCall": {"name": "f"}}]}, USER]}, "must equal"),
    (
        GEMINI,
        {"contents": [USER, {"role": "model", "parts": [{"text": "x", "thoughtSignature": "AAAA"}]}, USER]},
        "sign",
    ),
    (GEMINI, {"generationConfig": {"responseJsonSchema": CITY}}, "responseMimeType"),
]


@pytest.mark.parametrize("right, wrong, why", WRONG, ids=lambda value: value if isinstance(value, str) else None)
def test_what_is_wrong_is_refused_with_the_reason(right, wrong, why):
    path, body = right
    status, answer = post(path, {**body, **wrong})
    assert (status, why in answer) == (400, True), answer
