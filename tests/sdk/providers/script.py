"""What every scripted provider says, whatever its dialect. The model's name is the name of the scenario."""

import json
from dataclasses import dataclass, field

from shape import Refused

INPUT_TOKENS, OUTPUT_TOKENS, THOUGHT_TOKENS = 21, 12, 4
THOUGHT = "Add them."
WEATHER = {"Paris": "18 C", "Rome": "24 C"}
# Names of errors, and the status that the dialects agree on; what says "overloaded" differs.
ERRORS = {"error_400": 400, "error_429": 429, "error_overloaded": 503}
# What a shell answers an agent that was told to run it, so that the agent's own tool must really have run.
AGENT_COMMAND, AGENT_PROOF = "printf proof-%d 0x2a", "proof-42"


@dataclass
class Turn:
    """What a dialect's provider understood of a request."""

    scenario: str
    stream: bool
    # The calls of the conversation so far, each with its arguments and what its result said, in their order.
    results: list = field(default_factory=list)
    # The model has spoken before.
    continued: bool = False
    # The seals that came back with the conversation.
    seals: list = field(default_factory=list)
    thinks: bool = False
    # Of its thoughts the model shall show the seal alone.
    hides: bool = False
    # The properties of the schema that the answer must have.
    schema: list = field(default_factory=list)
    # The names of the tools, and the one that must be called.
    tools: list = field(default_factory=list)
    forced: str | None = None


@dataclass
class Reply:
    """What it answers, in no dialect yet."""

    text: str = ""
    # The calls: name and arguments.
    calls: list = field(default_factory=list)
    thinks: bool = False

    def text_pieces(self):
        return split(self.text)


def split(text):
    """Several pieces, none of them at a place that means anything."""
    return [text[start : start + 6] for start in range(0, len(text), 6)]


def weather(cities):
    return [("get_weather", {"city": city}) for city in cities]


def reply(turn, seal):
    """The answer to a turn. `seal` is what this dialect's thoughts are signed with: it must come back as it is."""
    said = getattr(Script, turn.scenario, None)
    if said is None:
        raise Refused(f"model: there is no {turn.scenario}")
    return said(turn, seal)


def require(holds, message):
    if not holds:
        raise Refused(message)


class Script:
    @staticmethod
    def text(_turn, _seal):
        return Reply("Rayleigh scattering.")

    @staticmethod
    def tool(turn, _seal):
        return told(turn, ["Paris"])

    @staticmethod
    def parallel(turn, _seal):
        return told(turn, ["Paris", "Rome"])

    @staticmethod
    def json(turn, _seal):
        if turn.forced:
            return Reply(calls=[(turn.forced, {"name": "Paris"})])
        require(turn.schema == ["name"], f"no schema with a name was asked for: {turn.schema}")
        return Reply('{"name":"Paris"}')

    @staticmethod
    def think(turn, seal):
        require(turn.thinks, "thinking was not asked for")
        require(not turn.continued or seal in (None, *turn.seals), "the thought's signature did not come back")
        return Reply("6" if turn.continued else "4", thinks=True)

    @staticmethod
    def think_tool(turn, seal):
        require(turn.thinks, "thinking was not asked for")
        require(not turn.continued or seal in (None, *turn.seals), "the thought's signature did not come back")
        answer = told(turn, ["Paris"])
        answer.thinks = bool(answer.calls)
        return answer

    @staticmethod
    def think_lost(turn, _seal):
        """For clients that do not keep thoughts: the conversation must go on without them."""
        require(turn.thinks or turn.continued, "thinking was not asked for")
        answer = told(turn, ["Paris"])
        answer.thinks = bool(answer.calls)
        return answer

    @staticmethod
    def agent(turn, seal):
        """Has a coding agent run a command, and believes only what that command prints."""
        if turn.results:
            require(not turn.thinks or seal in (None, *turn.seals), "the thought's signature did not come back")
            require(AGENT_PROOF in turn.results[-1][1], f"the command did not run: {turn.results[-1][1]}")
            return Reply(f"It printed {AGENT_PROOF}.")
        for name, arguments in AGENT_SHELLS.items():
            if name in turn.tools:
                return Reply(calls=[(name, arguments)], thinks=turn.thinks)
        # What an agent asks on the side, such as a title, comes without tools.
        require(not turn.tools, f"no shell is among the tools: {turn.tools}")
        return Reply("A title.")


AGENT_SHELLS = {
    "Bash": {"command": AGENT_COMMAND, "description": "Prints the proof."},
    "exec_command": {"cmd": AGENT_COMMAND},
    "shell": {"command": ["bash", "-c", AGENT_COMMAND]},
    "shell_command": {"command": AGENT_COMMAND},
    "run_shell_command": {"command": AGENT_COMMAND, "description": "Prints the proof."},
}


def plain(said):
    """What a tool said, out of the object that clients of Gemini put around a text."""
    try:
        wrapped = json.loads(said)
    except ValueError:
        return said
    for name in ("result", "output", "content"):
        if isinstance(wrapped, dict) and name in wrapped:
            return wrapped[name]
    return said


def told(turn, cities):
    require("get_weather" in turn.tools, f"get_weather is not among the tools: {turn.tools}")
    if not turn.results:
        return Reply(calls=weather(cities))
    heard = [(arguments, plain(said)) for arguments, said in turn.results]
    expected = [({"city": city}, WEATHER[city]) for city in cities]
    require(heard == expected, f"the results are not those of the calls: {turn.results}")
    return Reply(" ".join(f"{city}: {WEATHER[city]}." for city in cities))
