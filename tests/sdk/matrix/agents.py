"""Coding agents, as they come from npm, with one task each and nothing of their user's."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

# Nobody listens there, so that whatever an agent wants from the outside world fails at once.
NOWHERE = "http://127.0.0.1:9"
TASK = "Run the command and tell me what it printed."


@dataclass(frozen=True)
class Agent:
    name: str
    # Its package on npm, and the program in it. Each finds the binary for this machine by itself.
    package: str
    program: str
    ingress: str
    # What it takes to let it loose on a model without a terminal.
    options: tuple

    def command(self, model):
        program = Path(os.environ["TOLLGATE_AGENTS"]) / self.package.removeprefix("npm:") / self.program
        return [os.environ["TOLLGATE_NODE"], str(program), *(each.replace("MODEL", model) for each in self.options)]


def settle(home):
    """The little that the agents want to find in a home, and the environment to run in."""
    gateway = os.environ["TOLLGATE_URL"]
    settings = home / ".gemini" / "settings.json"
    settings.parent.mkdir()
    quiet = {"privacy": {"usageStatisticsEnabled": False}, "telemetry": {"enabled": False}}
    settings.write_text(json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}, **quiet}))
    codex = home / ".codex" / "config.toml"
    codex.parent.mkdir()
    codex.write_text(
        'model_provider = "tollgate"\n[model_providers.tollgate]\nname = "Tollgate"\n'
        f'base_url = "{gateway}/v1"\nenv_key = "TOLLGATE_KEY"\nwire_api = "responses"\n'
        "request_max_retries = 0\nstream_max_retries = 0\n"
    )
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home),
        "TOLLGATE_KEY": os.environ["TOLLGATE_KEY"],
        "HTTPS_PROXY": NOWHERE,
        "NO_PROXY": "127.0.0.1",
        "ANTHROPIC_BASE_URL": gateway,
        "ANTHROPIC_API_KEY": os.environ["TOLLGATE_KEY"],
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "0",
        "GOOGLE_GEMINI_BASE_URL": gateway,
        "GEMINI_API_KEY": os.environ["TOLLGATE_KEY"],
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }


AGENTS = [
    Agent(
        "Claude Code",
        "npm:@anthropic-ai/claude-code",
        "cli-wrapper.cjs",
        "anthropic",
        ("--print", TASK, "--model", "MODEL", "--allowedTools", "Bash"),
    ),
    Agent(
        "Codex",
        "npm:@openai/codex",
        "bin/codex.js",
        "responses",
        ("exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "--model", "MODEL", TASK),
    ),
    Agent(
        "Gemini CLI",
        "npm:@google/gemini-cli",
        "bundle/gemini.js",
        "gemini",
        ("--approval-mode", "yolo", "--model", "MODEL", "--prompt", TASK),
    ),
]
