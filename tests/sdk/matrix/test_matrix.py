"""What every client may expect of every provider, whatever dialect either speaks. The models are scripted."""

import json

import pytest
from cells import OVERLOADED

WEATHER = {"Paris": "18 C", "Rome": "24 C"}
USAGE = [21, 12]


def check_call(answer, *cities):
    assert [(call["name"], call["arguments"]) for call in answer["calls"]] == [
        ("get_weather", {"city": city}) for city in cities
    ]
    assert answer["finish"] == "tools"


def results(answer):
    return [
        {"id": call["id"], "name": call["name"], "content": WEATHER[call["arguments"]["city"]]}
        for call in answer["calls"]
    ]


@pytest.mark.promise("Text and its tokens")
def test_an_answer_arrives_with_the_tokens_it_took(conversation):
    answer = conversation("text").start("Why is the sky blue?")
    assert (answer["text"], answer["finish"], answer["usage"]) == ("Rayleigh scattering.", "stop", USAGE)
    assert answer["calls"] == []


@pytest.mark.promise("Tool call and result")
def test_a_tool_is_called_and_its_result_reaches_the_model(conversation):
    talk = conversation("tool")
    asked = talk.start("Weather in Paris?", "tools")
    check_call(asked, "Paris")
    final = talk.give(results(asked))
    assert (final["text"], final["finish"], final["usage"]) == ("Paris: 18 C.", "stop", USAGE)


@pytest.mark.promise("Parallel tool calls")
def test_two_calls_at_once_get_each_their_own_result(conversation):
    talk = conversation("parallel")
    asked = talk.start("Weather in Paris and Rome?", "tools")
    check_call(asked, "Paris", "Rome")
    assert talk.give(results(asked))["text"] == "Paris: 18 C. Rome: 24 C."


@pytest.mark.promise("Structured output")
def test_an_answer_has_the_schema_that_was_asked_for(conversation):
    answer = conversation("json").start("Name a city.", "schema")
    assert json.loads(answer["text"]) == {"name": "Paris"}
    assert answer["finish"] == "stop"


def keeps_thoughts(client):
    return client.keeps_thoughts


def check_thoughts(cell, answer):
    client, provider, _ = cell
    # These show their thoughts to those who asked to see them, and OpenAI's older dialect has no word for that.
    may_be_hidden = client.ingress == "openai" and provider in ("p-responses", "p-gemini")
    assert answer["thoughts"] == "Add them." or (may_be_hidden and answer["thoughts"] == "")


@pytest.mark.promise("Thoughts, signed, over turns", clients=keeps_thoughts)
def test_thoughts_come_back_to_the_model_as_they_were_signed(cell, conversation):
    talk = conversation("think")
    first = talk.start("2+2?", "thoughts")
    check_thoughts(cell, first)
    assert (first["text"], first["usage"]) == ("4", USAGE)
    # The provider refuses this turn without the signature.
    assert talk.say("And 3+3?")["text"] == "6"


@pytest.mark.promise("Thoughts, signed, over tool calls", clients=keeps_thoughts)
def test_thoughts_that_led_to_a_call_come_back_with_its_result(cell, conversation):
    talk = conversation("think_tool")
    asked = talk.start("Weather in Paris?", "tools", "thoughts")
    check_thoughts(cell, asked)
    check_call(asked, "Paris")
    assert talk.give(results(asked))["text"] == "Paris: 18 C."


@pytest.mark.promise("Thoughts the client loses", clients=lambda client: not client.keeps_thoughts)
def test_a_client_that_loses_thoughts_gets_its_answer_all_the_same(conversation):
    talk = conversation("think_lost")
    asked = talk.start("Weather in Paris?", "tools", "thoughts")
    check_call(asked, "Paris")
    assert talk.give(results(asked))["text"] == "Paris: 18 C."


@pytest.mark.promise("Error: bad request")
def test_a_request_that_the_provider_refuses_is_the_clients_own_error(conversation):
    error = conversation("error_400").start_failing("Hi")["error"]
    assert error["status"] == 400
    assert "The script says error_400" in error["message"]


@pytest.mark.promise("Error: rate limit")
def test_a_rate_limit_is_the_clients_own_error(conversation):
    assert conversation("error_429").start_failing("Hi")["error"]["status"] == 429


@pytest.mark.promise("Error: overloaded")
def test_an_overloaded_provider_is_the_clients_own_error(cell, conversation):
    client, _, _ = cell
    assert conversation("error_overloaded").start_failing("Hi")["error"]["status"] == OVERLOADED[client.ingress]


@pytest.mark.promise("Error: answer breaks off")
def test_an_answer_that_breaks_off_is_an_error_after_what_had_arrived(cell, conversation):
    _, _, stream = cell
    answer = conversation("cut").start_failing("Tell me a story.")
    if stream:
        assert answer["text"] == "Once upon a "
    else:
        assert answer["error"]["status"] == 502
