"""Embeddings, the older completions, and the models."""

import math

import pytest
from conftest import EMBEDDING_MODEL, MODEL
from openai import NotFoundError


def test_embeddings_are_the_same_numbers_in_every_encoding(client):
    inputs = ["a cat", "a dog"]
    # Without a word about it the SDK asks for base64 and decodes.
    default = client.embeddings.create(model=EMBEDDING_MODEL, input=inputs)
    floats = client.embeddings.create(model=EMBEDDING_MODEL, input=inputs, encoding_format="float")
    encoded = client.embeddings.create(model=EMBEDDING_MODEL, input=inputs, encoding_format="base64")
    assert [item.index for item in default.data] == [0, 1]
    for decoded, plain in zip(default.data, floats.data, strict=True):
        assert len(decoded.embedding) == 256
        assert decoded.embedding == pytest.approx(plain.embedding, abs=1e-6)
        assert math.hypot(*decoded.embedding) == pytest.approx(1, abs=1e-4)
    assert all(isinstance(item.embedding, str) for item in encoded.data)
    assert default.usage.prompt_tokens == default.usage.total_tokens == 4


def test_an_embedding_has_the_dimensions_that_were_asked_for(client):
    one = client.embeddings.create(model=EMBEDDING_MODEL, input="a cat", dimensions=8)
    assert len(one.data[0].embedding) == 8


def test_embeddings_are_counted_and_priced(client):
    raw = client.embeddings.with_raw_response.create(model=EMBEDDING_MODEL, input="a cat")
    assert raw.headers["x-tollgate-tokens-input"] == "2"
    assert raw.headers["x-tollgate-tokens-output"] == "0"
    assert raw.headers["x-tollgate-cost-usd"] == "0.000002000"


def test_an_answer_too_large_to_be_held_comes_whole_but_without_its_cost(client):
    raw = client.embeddings.with_raw_response.create(
        model=EMBEDDING_MODEL, input=["a cat"] * 20, dimensions=3072, encoding_format="float"
    )
    assert [len(item.embedding) for item in raw.parse().data] == [3072] * 20
    assert "x-tollgate-cost-usd" not in raw.headers


def test_the_older_completions_whole_and_streamed(client):
    whole = client.completions.create(model=MODEL, prompt=["one", "two"], max_tokens=6)
    assert whole.object == "text_completion"
    assert [choice.finish_reason for choice in whole.choices] == ["length", "length"]
    assert whole.usage.completion_tokens == 12
    text = {0: "", 1: ""}
    for chunk in client.completions.create(model=MODEL, prompt=["one", "two"], max_tokens=6, stream=True):
        assert chunk.usage is None
        for choice in chunk.choices:
            text[choice.index] += choice.text
    assert [text[0], text[1]] == [choice.text for choice in whole.choices]


def test_models_are_listed_and_retrieved_by_both_names(client):
    listed = [model.id for model in client.models.list()]
    assert MODEL in listed and EMBEDDING_MODEL in listed
    for name in (MODEL, f"demo/{MODEL}"):
        assert client.models.retrieve(name).id == name
    assert client.models.retrieve(MODEL).owned_by == "demo"
    with pytest.raises(NotFoundError):
        client.models.retrieve("no-such-model")
