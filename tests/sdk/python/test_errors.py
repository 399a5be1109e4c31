"""Refusals arrive as the exceptions that the SDK has for them, and only what can help is tried again."""

import os

import openai
import pytest
from conftest import EMBEDDING_MODEL, HELLO, MODEL
from openai import OpenAI


@pytest.fixture
def refused(client, log):
    """Asks, expects an exception, and counts how often the gateway was asked."""

    def ask(expected, times=1, using=client, **request):
        request_id = log.new_id()
        request = {"model": MODEL, "messages": HELLO, **request}
        with pytest.raises(expected) as caught:
            using.chat.completions.create(**request, extra_headers={"x-request-id": request_id})
        assert caught.value.request_id == request_id
        lines = log.all_of(request_id)
        assert len(lines) == times, lines
        assert {line["error.code"] for line in lines} == {caught.value.code}
        return caught.value

    return ask


def test_a_key_that_is_not_known(refused):
    with OpenAI(api_key="tg-wrong") as stranger:
        error = refused(openai.AuthenticationError, using=stranger)
    assert (error.status_code, error.code) == (401, "invalid_api_key")
    assert error.response.headers["www-authenticate"] == "Bearer"


def test_a_model_that_does_not_exist(refused):
    error = refused(openai.NotFoundError, model="no-such-model")
    assert (error.status_code, error.code, error.param) == (404, "model_not_found", "model")


def test_a_model_that_the_key_may_not_use(refused):
    with OpenAI(api_key=os.environ["LIMITED_KEY"]) as limited:
        error = refused(openai.PermissionDeniedError, using=limited)
        assert (error.status_code, error.code, error.param) == (403, "model_not_allowed", "model")
        assert [model.id for model in limited.models.list()] == [EMBEDDING_MODEL]


def test_a_body_that_the_gateway_refuses(refused):
    for body, param in [({"stream": "yes"}, "stream"), ({"n": -1}, "n"), ({"model": ""}, "model")]:
        error = refused(openai.BadRequestError, extra_body=body)
        assert (error.status_code, error.code, error.param) == (400, "invalid_value", param)
        assert error.type == "invalid_request_error"


def test_a_body_that_the_provider_refuses(refused):
    error = refused(openai.BadRequestError, messages=[])
    assert (error.status_code, error.param) == (400, "messages")
    assert "too short" in error.message


def test_a_refusal_of_a_stream_is_an_exception_and_not_a_stream(refused):
    error = refused(openai.BadRequestError, messages=[], stream=True)
    assert error.param == "messages"


def test_a_body_over_the_bound(refused):
    big = [{"role": "user", "content": "x" * (1 << 20)}]
    error = refused(openai.APIStatusError, messages=big)
    assert (error.status_code, error.code) == (413, "request_too_large")


def test_a_path_that_does_not_exist(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.get("/no/such/path", cast_to=object)
    assert caught.value.code == "unknown_url"


def test_a_provider_that_cannot_be_reached_is_tried_again_by_the_sdk(refused, client):
    patient = client.with_options(max_retries=1)
    error = refused(openai.InternalServerError, times=2, using=patient, model="dead/any")
    assert (error.status_code, error.code, error.type) == (502, "provider_unavailable", "server_error")


def test_a_provider_that_is_busy_is_tried_again_by_the_sdk(refused, client):
    patient = client.with_options(max_retries=1)
    error = refused(openai.RateLimitError, times=2, using=patient, model="bad/busy")
    assert (error.status_code, error.type, error.body["metadata"]) == (429, "requests", {"source": "provider"})
    assert (error.response.headers["retry-after"], error.response.headers["retry-after-ms"]) == ("1", "20")


def test_what_a_provider_says_about_the_gateways_account_stays_there(refused, client):
    for model in ("bad/account", "bad/busy"):
        error = refused(openai.APIStatusError, using=client.with_options(max_retries=0), model=model)
        assert "secret" not in error.response.text


def test_half_an_answer_is_an_error(refused, client):
    error = refused(openai.InternalServerError, using=client.with_options(max_retries=0), model="bad/half")
    assert (error.status_code, error.code) == (502, "provider_unavailable")


def test_a_stream_that_breaks_is_an_exception_after_what_had_arrived(client, log):
    request_id = log.new_id()
    text = ""
    with pytest.raises(openai.APIError) as caught:
        for chunk in client.chat.completions.create(
            model="bad/cut", messages=HELLO, stream=True, extra_headers={"x-request-id": request_id}
        ):
            text += chunk.choices[0].delta.content
    assert text == "Once upon"
    assert (caught.value.code, caught.value.type) == ("provider_unavailable", "server_error")
    (line,) = log.all_of(request_id)
    assert (line["http.response.status_code"], line["tollgate.outcome"]) == (200, "truncated")
