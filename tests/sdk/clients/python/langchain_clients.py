"""LangChain's chat models, in the environment of their own that their pins need."""

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_openai import ChatOpenAI
from wanted import CITY, NAMED, SECONDS_MAX, THOUGHT_TOKENS_MAX, TOKENS_MAX, TOOL, TOOL_TEXT


class Conversation:
    """What LangChain makes the same for all its models."""

    def __init__(self, gateway, key, model, stream, wants):
        self.stream = stream
        self.messages = []
        self.model = self.make(gateway, key, model, wants)
        if "tools" in wants:
            function = {"name": TOOL, "description": TOOL_TEXT, "parameters": CITY}
            self.model = self.model.bind_tools([{"type": "function", "function": function}])
        if "schema" in wants:
            self.model = self.model.bind(**self.schema())

    def say(self, text):
        self.messages.append(HumanMessage(text))
        return self.ask()

    def give(self, results):
        for each in results:
            self.messages.append(ToolMessage(each["content"], tool_call_id=each["id"], name=each["name"]))
        return self.ask()

    def ask(self):
        self.text = ""
        answer = self.streamed() if self.stream else self.model.invoke(self.messages)
        self.messages.append(answer)
        blocks = answer.content_blocks
        usage = answer.usage_metadata
        return {
            "text": answer.text,
            "thoughts": "".join(block.get("reasoning", "") for block in blocks if block["type"] == "reasoning"),
            "calls": [
                {"id": call["id"], "name": call["name"], "arguments": call["args"]} for call in answer.tool_calls
            ],
            "finish": self.finish(answer),
            "usage": [usage["input_tokens"], usage["output_tokens"]],
        }

    def streamed(self):
        answer = None
        for piece in self.model.stream(self.messages):
            answer = piece if answer is None else answer + piece
            self.text += piece.text
        return answer

    def finish(self, answer):
        said = answer.response_metadata
        reason = said.get("finish_reason") or said.get("stop_reason") or said.get("status")
        known = {"STOP": "stop", "end_turn": "stop", "completed": "stop", "tool_calls": "tools", "tool_use": "tools"}
        finish = known.get(reason, reason)
        # Two of the dialects have one word for both.
        return "tools" if finish == "stop" and answer.tool_calls else finish


class OpenAIChat(Conversation):
    def make(self, gateway, key, model, wants):
        thoughts = {"reasoning_effort": "low"} if "thoughts" in wants else {}
        return ChatOpenAI(
            model=model,
            base_url=f"{gateway}/v1",
            api_key=key,
            max_retries=0,
            timeout=SECONDS_MAX,
            stream_usage=True,
            **thoughts,
        )

    def schema(self):
        return {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "city", "strict": True, "schema": NAMED},
            }
        }


class OpenAIResponses(OpenAIChat):
    def make(self, gateway, key, model, wants):
        sealed = {"reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}
        return ChatOpenAI(
            model=model,
            base_url=f"{gateway}/v1",
            api_key=key,
            max_retries=0,
            timeout=SECONDS_MAX,
            use_responses_api=True,
            store=False,
            output_version="responses/v1",
            **(sealed if "thoughts" in wants else {}),
        )


class Anthropic(Conversation):
    def make(self, gateway, key, model, wants):
        thinking = {"type": "enabled", "budget_tokens": THOUGHT_TOKENS_MAX}
        return ChatAnthropic(
            model=model,
            base_url=gateway,
            api_key=key,
            max_retries=0,
            timeout=SECONDS_MAX,
            max_tokens=TOKENS_MAX,
            **({"thinking": thinking} if "thoughts" in wants else {}),
        )

    def schema(self):
        return {"output_config": {"format": {"type": "json_schema", "schema": NAMED}}}


class Google(Conversation):
    def make(self, gateway, key, model, wants):
        thoughts = {"include_thoughts": True, "thinking_budget": THOUGHT_TOKENS_MAX} if "thoughts" in wants else {}
        return ChatGoogleGenerativeAI(
            model=model, base_url=gateway, api_key=key, max_retries=1, timeout=SECONDS_MAX, **thoughts
        )

    def schema(self):
        return {"response_mime_type": "application/json", "response_json_schema": NAMED}
