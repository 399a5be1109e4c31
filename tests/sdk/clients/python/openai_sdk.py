"""OpenAI's SDK, chat and responses."""

import json

from openai import OpenAI
from wanted import CITY, NAMED, SECONDS_MAX, TOKENS_MAX, TOOL, TOOL_TEXT


def client(gateway, key):
    return OpenAI(base_url=f"{gateway}/v1", api_key=key, max_retries=0, timeout=SECONDS_MAX)


class Chat:
    def __init__(self, gateway, key, model, stream, wants):
        self.completions = client(gateway, key).chat.completions
        self.stream = stream
        self.messages = []
        self.asked = {"model": model, "messages": self.messages}
        if "tools" in wants:
            function = {"name": TOOL, "description": TOOL_TEXT, "parameters": CITY}
            self.asked["tools"] = [{"type": "function", "function": function}]
        if "schema" in wants:
            schema = {"name": "city", "strict": True, "schema": NAMED}
            self.asked["response_format"] = {"type": "json_schema", "json_schema": schema}
        if "thoughts" in wants:
            self.asked["reasoning_effort"] = "low"

    def say(self, text):
        self.messages.append({"role": "user", "content": text})
        return self.ask()

    def give(self, results):
        for each in results:
            self.messages.append({"role": "tool", "tool_call_id": each["id"], "content": each["content"]})
        return self.ask()

    def ask(self):
        self.text = ""
        answer = self.streamed() if self.stream else self.completions.create(**self.asked)
        message = answer.choices[0].message
        # The streaming helper adds empty members, and indexes, that the API does not take back.
        self.messages.append(message.model_dump(exclude_none=True, exclude={"tool_calls": {"__all__": {"index"}}}))
        return {
            "text": message.content or "",
            "thoughts": (message.model_extra or {}).get("reasoning_content") or "",
            "calls": [
                {"id": call.id, "name": call.function.name, "arguments": json.loads(call.function.arguments)}
                for call in message.tool_calls or []
            ],
            "finish": {"tool_calls": "tools"}.get(answer.choices[0].finish_reason, answer.choices[0].finish_reason),
            "usage": [answer.usage.prompt_tokens, answer.usage.completion_tokens],
        }

    def streamed(self):
        with self.completions.stream(**self.asked, stream_options={"include_usage": True}) as stream:
            for event in stream:
                if event.type == "content.delta":
                    self.text += event.delta
            return stream.get_final_completion()


class Responses:
    def __init__(self, gateway, key, model, stream, wants):
        self.responses = client(gateway, key).responses
        self.stream = stream
        self.items = []
        # Without a store the client keeps the conversation, and its thoughts are sealed.
        self.asked = {"model": model, "input": self.items, "store": False, "max_output_tokens": TOKENS_MAX}
        if "tools" in wants:
            tool = {"type": "function", "name": TOOL, "description": TOOL_TEXT, "parameters": CITY, "strict": True}
            self.asked["tools"] = [tool]
        if "schema" in wants:
            self.asked["text"] = {"format": {"type": "json_schema", "name": "city", "strict": True, "schema": NAMED}}
        if "thoughts" in wants:
            self.asked["reasoning"] = {"effort": "low", "summary": "auto"}
            self.asked["include"] = ["reasoning.encrypted_content"]

    def say(self, text):
        self.items.append({"role": "user", "content": text})
        return self.ask()

    def give(self, results):
        for each in results:
            self.items.append({"type": "function_call_output", "call_id": each["id"], "output": each["content"]})
        return self.ask()

    def ask(self):
        self.text = ""
        answer = self.streamed() if self.stream else self.responses.create(**self.asked)
        self.items += answer.output
        calls = [item for item in answer.output if item.type == "function_call"]
        thoughts = [part.text for item in answer.output if item.type == "reasoning" for part in item.summary]
        finish = "tools" if calls else "stop"
        return {
            "text": answer.output_text,
            "thoughts": "".join(thoughts),
            "calls": [
                {"id": call.call_id, "name": call.name, "arguments": json.loads(call.arguments)} for call in calls
            ],
            "finish": finish if answer.status == "completed" else answer.status,
            "usage": [answer.usage.input_tokens, answer.usage.output_tokens],
        }

    def streamed(self):
        with self.responses.stream(**self.asked) as stream:
            for event in stream:
                if event.type == "response.output_text.delta":
                    self.text += event.delta
                elif event.type in ("response.failed", "error"):
                    failure = event.response.error if event.type == "response.failed" else event
                    raise BrokenOff(failure.message)
            return stream.get_final_response()


class BrokenOff(Exception):
    """The SDK hands these events out instead of raising."""
