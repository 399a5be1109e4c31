"""A coding agent does a task: the model has it run a command, and believes what the command prints."""

import subprocess

import pytest
from agents import settle

TASK_SECONDS_MAX = 60


@pytest.mark.promise("Coding agent")
def test_a_coding_agent_runs_a_command_and_reports(agent_cell, refusals, tmp_path):
    agent, provider = agent_cell
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    refusals.new()
    done = subprocess.run(
        agent.command(f"{provider}/agent"),
        cwd=work,
        env=settle(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TASK_SECONDS_MAX,
        check=False,
    )
    assert "It printed proof-42." in done.stdout, f"{refusals.new()}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
