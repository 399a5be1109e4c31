"""Runs every test for every cell of the table, and writes what came of it to the file TOLLGATE_MATRIX_OUT."""

import os
from pathlib import Path

import pytest
import report
from agents import AGENTS
from cells import CLIENTS, PROVIDERS
from drivers import Conversation, Drivers, Refusals

HOW = {False: "whole", True: "streamed"}
outcomes = pytest.StashKey()


def pytest_configure(config):
    config.stash[outcomes] = {}
    config.addinivalue_line(
        "markers", "promise(name, clients): what the table calls a test, and which clients it is for"
    )


def pytest_generate_tests(metafunc):
    if "agent_cell" in metafunc.fixturenames:
        cells = [
            pytest.param((agent, provider), id=f"{agent.name} - {provider}")
            for agent in AGENTS
            for provider in PROVIDERS
        ]
        metafunc.parametrize("agent_cell", cells)
    elif "conversation" in metafunc.fixturenames:
        promise = metafunc.definition.get_closest_marker("promise")
        is_for = promise.kwargs.get("clients", lambda _client: True)
        cells = [
            pytest.param((client, provider, stream), id=f"{client.name} - {provider} - {HOW[stream]}")
            for client in CLIENTS
            if is_for(client)
            for provider in PROVIDERS
            for stream in HOW
        ]
        metafunc.parametrize("cell", cells)


@pytest.fixture(scope="session")
def drivers():
    drivers = Drivers()
    yield drivers
    drivers.close()


@pytest.fixture(scope="session")
def refusals():
    return Refusals()


@pytest.fixture
def conversation(cell, drivers, refusals):
    """Makes the cell's client talk to a model of the script at the cell's provider."""
    client, provider, stream = cell

    def make(model):
        return Conversation(drivers.get(client.driver), refusals, client, f"{provider}/{model}", stream)

    return make


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    result = yield
    promise = item.get_closest_marker("promise")
    if promise and (call.when == "call" or result.failed):
        # Agents stream, and only that.
        client, provider, *how = item.callspec.params.get("cell") or item.callspec.params["agent_cell"]
        stream = how[0] if how else True
        at = (client.name, promise.args[0], provider)
        item.config.stash[outcomes].setdefault(at, {})[stream] = result.passed
    return result


def pytest_sessionfinish(session):
    path = os.environ.get("TOLLGATE_MATRIX_OUT")
    if path and not session.config.option.collectonly:
        Path(path).write_text(report.markdown(session.config.stash[outcomes]), encoding="utf-8")
