"""Writes the table of what worked as Markdown: a summary, and a table per client."""

import json
import re
from pathlib import Path

from agents import AGENTS
from cells import CLIENTS, INGRESS, PROVIDERS

SDK = Path(__file__).parent.parent
PINS = ("python/requirements.txt", "clients/python/requirements-langchain.txt")
PACKAGES = ("node/package.json", "agents/package.json")

HEAD = """\
# Compatibility

Which client can talk to which provider. `tests/sdk/run.sh` writes this page from its own run of these clients,
unmodified, against scripted providers that refuse whatever the official SDKs' types do not have. Do not edit it.

Every client speaks its own dialect to Tollgate. The columns are the dialect of the provider, and what they count are
the promises below, each with a whole answer and with a streamed one.
"""
AGENTS_HEAD = """\
## Coding agents

Each has one task: the model has it run a command, and answers only if what the command printed comes back.
"""


def markdown(outcomes):
    versions = pinned()
    lines = [HEAD, *head("Client", "Version", "Route")]
    for client in CLIENTS:
        counts = [count(outcomes, client.name, provider) for provider in PROVIDERS]
        lines.append(row(client.name, versions[client.package], INGRESS[client.ingress], *counts))
    lines += ["", AGENTS_HEAD, *head("Agent", "Version", "Route")]
    for agent in AGENTS:
        worked = [outcomes.get((agent.name, "Coding agent", provider), {}).get(True) for provider in PROVIDERS]
        said = ["yes" if each else "no" for each in worked]
        lines.append(row(agent.name, versions[agent.package], INGRESS[agent.ingress], *said))
    for client in CLIENTS:
        lines += ["", f"## {client.name}", "", *head("")]
        for promise in dict.fromkeys(promise for name, promise, _ in outcomes if name == client.name):
            cells = [outcomes.get((client.name, promise, provider), {}) for provider in PROVIDERS]
            lines.append(row(promise, *map(cell, cells)))
    return "\n".join(lines) + "\n"


def pinned():
    versions = {}
    for file in PINS:
        # Where two environments have a package in two versions, the first is the one that the table names.
        for name, version in re.findall(r"^([\w.-]+)==(.+)$", (SDK / file).read_text(), re.MULTILINE):
            versions.setdefault(name, version)
    for file in PACKAGES:
        versions |= {f"npm:{name}": version for name, version in read_packages(file).items()}
    return versions


def read_packages(file):
    return json.loads((SDK / file).read_text())["dependencies"]


def count(outcomes, client, provider):
    found = [
        passed
        for (name, _, at), each in outcomes.items()
        if (name, at) == (client, provider)
        for passed in each.values()
    ]
    return f"{sum(found)} of {len(found)}"


def cell(passed):
    """What a cell says: yes only if it worked both whole and streamed."""
    whole, streamed = passed.get(False, False), passed.get(True, False)
    if whole and streamed:
        return "yes"
    return "whole only" if whole else "streamed only" if streamed else "no"


def head(*columns):
    names = [*columns, *PROVIDERS.values()]
    return [row(*names), row(*["---"] * len(names))]


def row(*cells):
    return f"| {' | '.join(cells)} |"
