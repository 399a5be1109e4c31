"""Anthropic's SDK."""

from anthropic import Anthropic
from wanted import CITY, NAMED, SECONDS_MAX, THOUGHT_TOKENS_MAX, TOKENS_MAX, TOOL, TOOL_TEXT


class Messages:
    def __init__(self, gateway, key, model, stream, wants):
        client = Anthropic(base_url=gateway, api_key=key, max_retries=0, timeout=SECONDS_MAX)
        self.api = client.messages
        self.stream = stream
        self.messages = []
        self.asked = {"model": model, "messages": self.messages, "max_tokens": TOKENS_MAX}
        if "tools" in wants:
            self.asked["tools"] = [{"name": TOOL, "description": TOOL_TEXT, "input_schema": CITY}]
        if "schema" in wants:
            self.asked["output_config"] = {"format": {"type": "json_schema", "schema": NAMED}}
        if "thoughts" in wants:
            self.asked["thinking"] = {"type": "enabled", "budget_tokens": THOUGHT_TOKENS_MAX}

    def say(self, text):
        self.messages.append({"role": "user", "content": text})
        return self.ask()

    def give(self, results):
        content = [{"type": "tool_result", "tool_use_id": each["id"], "content": each["content"]} for each in results]
        self.messages.append({"role": "user", "content": content})
        return self.ask()

    def ask(self):
        self.text = ""
        answer = self.streamed() if self.stream else self.api.create(**self.asked)
        self.messages.append({"role": "assistant", "content": answer.content})
        return {
            "text": "".join(block.text for block in answer.content if block.type == "text"),
            "thoughts": "".join(block.thinking for block in answer.content if block.type == "thinking"),
            "calls": [
                {"id": block.id, "name": block.name, "arguments": block.input}
                for block in answer.content
                if block.type == "tool_use"
            ],
            "finish": {"end_turn": "stop", "tool_use": "tools"}.get(answer.stop_reason, answer.stop_reason),
            "usage": [answer.usage.input_tokens, answer.usage.output_tokens],
        }

    def streamed(self):
        with self.api.stream(**self.asked) as stream:
            for piece in stream.text_stream:
                self.text += piece
            return stream.get_final_message()
