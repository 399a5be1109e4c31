"""Google's SDK, with its own chats, which keep the history."""

from google import genai
from google.genai import types
from wanted import CITY, NAMED, SECONDS_MAX, THOUGHT_TOKENS_MAX, TOKENS_MAX, TOOL, TOOL_TEXT


class Chats:
    def __init__(self, gateway, key, model, stream, wants):
        options = types.HttpOptions(base_url=gateway, timeout=SECONDS_MAX * 1000)
        self.client = genai.Client(api_key=key, http_options=options)
        self.stream = stream
        config = types.GenerateContentConfig(max_output_tokens=TOKENS_MAX)
        if "tools" in wants:
            function = types.FunctionDeclaration(name=TOOL, description=TOOL_TEXT, parameters_json_schema=CITY)
            config.tools = [types.Tool(function_declarations=[function])]
        if "schema" in wants:
            config.response_mime_type = "application/json"
            config.response_json_schema = NAMED
        if "thoughts" in wants:
            config.thinking_config = types.ThinkingConfig(include_thoughts=True, thinking_budget=THOUGHT_TOKENS_MAX)
        self.chat = self.client.chats.create(model=model, config=config)

    def say(self, text):
        return self.ask(text)

    def give(self, results):
        parts = []
        for each in results:
            response = {"result": each["content"]}
            # The SDK's helper for this leaves the id out, which only matters when one tool is called twice.
            function = types.FunctionResponse(id=each["id"], name=each["name"], response=response)
            parts.append(types.Part(function_response=function))
        return self.ask(parts)

    def ask(self, said):
        self.text = ""
        pieces = self.chat.send_message_stream(said) if self.stream else [self.chat.send_message(said)]
        thoughts, calls, finish, usage = "", [], None, None
        for piece in pieces:
            usage = piece.usage_metadata or usage
            for candidate in piece.candidates or []:
                finish = candidate.finish_reason or finish
                for part in (candidate.content and candidate.content.parts) or []:
                    if part.thought:
                        thoughts += part.text or ""
                    elif part.function_call:
                        call = part.function_call
                        calls.append({"id": call.id, "name": call.name, "arguments": call.args})
                    else:
                        self.text += part.text or ""
        if finish is None:
            raise BrokenOff("a stream without a finish reason")
        output = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
        return {
            "text": self.text,
            "thoughts": thoughts,
            "calls": calls,
            # The dialect has one word for both.
            "finish": {"STOP": "tools" if calls else "stop"}.get(finish.name, finish.name),
            "usage": [usage.prompt_token_count, output],
        }


class BrokenOff(Exception):
    """The SDK ends such a stream without a word."""
