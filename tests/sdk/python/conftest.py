"""What the tests share: clients as anybody would make them, and the gateway's access log."""

import json
import os
import time
import uuid

import pytest
from openai import OpenAI

MODEL = os.environ.get("TOLLGATE_SDK_MODEL", "demo")
EMBEDDING_MODEL = "demo-embedding"
HELLO = [{"role": "user", "content": "Hello!"}]

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
}


class AccessLog:
    """The lines that the gateway wrote. They are written in the order in which requests end, a little later."""

    SECONDS_MAX = 10

    def __init__(self, client):
        self.path = os.environ["TOLLGATE_ACCESS_LOG"]
        self.client = client

    def new_id(self):
        return f"sdk-{uuid.uuid4().hex}"

    def _lines(self, request_id):
        with open(self.path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file if line.endswith("\n")]
        return [line for line in lines if line["http.request.id"] == request_id]

    def wait_for(self, request_id):
        """All lines of a request, once there is one."""
        deadline = time.monotonic() + self.SECONDS_MAX
        while time.monotonic() < deadline:
            if lines := self._lines(request_id):
                return lines
            time.sleep(0.02)
        raise AssertionError(f"{request_id} is not in the access log after {self.SECONDS_MAX} s")

    def all_of(self, request_id):
        """All lines of requests that have ended, retries among them: a later request is in the log already."""
        marker = self.new_id()
        self.client.models.list(extra_headers={"x-request-id": marker})
        self.wait_for(marker)
        return self._lines(request_id)


@pytest.fixture(scope="session")
def client():
    """Address and key come from OPENAI_BASE_URL and OPENAI_API_KEY."""
    with OpenAI() as client:
        yield client


@pytest.fixture(scope="session")
def log(client):
    return AccessLog(client)
