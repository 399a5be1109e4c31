"""A provider of OpenAI's chat that misbehaves, as the model's name says."""

import json

CHUNK = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "cut"}
SECRET = {"error": {"message": "Incorrect API key provided: sk-secret", "type": "invalid_request_error"}}
BUSY = {"error": {"message": "Slow down, org-secret", "type": "requests", "code": "rate_limit_exceeded"}}


def account(handler):
    handler.answer(401, json.dumps(SECRET).encode())


def busy(handler):
    handler.answer(429, json.dumps(BUSY).encode(), retry_after_ms="20")


def cut(handler):
    """A stream whose framing ends without a [DONE]."""
    handler.begin_stream()
    for word in ("Once", " upon"):
        choice = {"index": 0, "delta": {"content": word}, "finish_reason": None}
        handler.wfile.write(b"data: " + json.dumps({**CHUNK, "choices": [choice]}).encode() + b"\n\n")
    handler.wfile.write(b'data: {"id": "chatc')


def half(handler):
    """Half of a JSON document."""
    handler.answer(200, b'{"id": "chatcmpl-1", "choices": [')


MODELS = {"account": account, "busy": busy, "cut": cut, "half": half}
