"""The table: which clients, in which dialect, against providers of which dialect."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Client:
    """A client as its users would have it, and the driver that has it."""

    name: str
    driver: str
    kind: str
    ingress: str
    # Where its version is pinned: a package of Python's, or of npm's.
    package: str
    # Whether it shows thoughts, and sends them back with their signatures. Two clients know nothing of them.
    keeps_thoughts: bool = True


CLIENTS = [
    Client("OpenAI Python, chat", "python", "openai_sdk.Chat", "openai", "openai"),
    Client("OpenAI Python, responses", "python", "openai_sdk.Responses", "responses", "openai"),
    Client("Anthropic Python", "python", "anthropic_sdk.Messages", "anthropic", "anthropic"),
    Client("Google Gen AI Python", "python", "google_sdk.Chats", "gemini", "google-genai"),
    Client(
        "LangChain Python, OpenAI chat",
        "langchain",
        "langchain_clients.OpenAIChat",
        "openai",
        "langchain-openai",
        False,
    ),
    Client(
        "LangChain Python, OpenAI responses",
        "langchain",
        "langchain_clients.OpenAIResponses",
        "responses",
        "langchain-openai",
    ),
    Client(
        "LangChain Python, Anthropic", "langchain", "langchain_clients.Anthropic", "anthropic", "langchain-anthropic"
    ),
    Client("LangChain Python, Google", "langchain", "langchain_clients.Google", "gemini", "langchain-google-genai"),
    Client("OpenAI Node, chat", "node", "openai.Chat", "openai", "npm:openai"),
    Client("OpenAI Node, responses", "node", "openai.Responses", "responses", "npm:openai"),
    Client("Anthropic Node", "node", "anthropic.Messages", "anthropic", "npm:@anthropic-ai/sdk"),
    Client("Google Gen AI Node", "node", "google.Chats", "gemini", "npm:@google/genai"),
    Client("AI SDK, OpenAI chat", "node", "ai.OpenAIChat", "openai", "npm:ai", False),
    Client("AI SDK, OpenAI responses", "node", "ai.OpenAIResponses", "responses", "npm:ai"),
    Client("AI SDK, Anthropic", "node", "ai.Anthropic", "anthropic", "npm:ai"),
    Client("AI SDK, Google", "node", "ai.Google", "gemini", "npm:ai"),
]

# The provider's name in the gateway's configuration, and what the table calls its dialect.
PROVIDERS = {
    "p-openai": "OpenAI chat",
    "p-responses": "OpenAI responses",
    "p-anthropic": "Anthropic",
    "p-gemini": "Gemini",
}
INGRESS = {
    "openai": "`/v1/chat/completions`",
    "responses": "`/v1/responses`",
    "anthropic": "`/v1/messages`",
    "gemini": "`/v1beta/models/…`",
}
# What a provider that has too much to do is called where the client looks.
OVERLOADED = {"openai": 503, "responses": 503, "anthropic": 529, "gemini": 503}
