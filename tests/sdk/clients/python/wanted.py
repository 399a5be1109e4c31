"""What the conversations ask for, in words that every client understands."""

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
NAMED = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}
TOOL, TOOL_TEXT = "get_weather", "The weather in a city."
THOUGHT_TOKENS_MAX, TOKENS_MAX = 2048, 4096
SECONDS_MAX = 20
