"""Embeddings through the official client: the encoder's own vectors."""

import base64
from typing import Any

import numpy as np
import openai
import pytest

from ondol.encoder import Encoder
from ondol.server.serving import Server
from serving import client_of, web

TEXTS = ["온돌은 방바닥을 데운다.", "hello"]


def vector(said: Any) -> Any:
    if isinstance(said, str):
        return np.frombuffer(base64.b64decode(said), np.float32)
    return np.array(said, np.float32)


@pytest.mark.parametrize("form", ["float", "base64"])
def test_vectors_are_the_encoders_own(server: Server, encoder: Encoder, form: str) -> None:
    body = {"model": "small-e5", "input": TEXTS, "encoding_format": form, "input_type": "query"}
    with web(server) as asking:
        data = asking.post("/v1/embeddings", json=body).json()["data"]
    found = [vector(one["embedding"]) for one in data]
    assert [one["index"] for one in data] == [0, 1]
    np.testing.assert_array_equal(found, encoder.embed(TEXTS, "query"))


def test_the_official_client_gets_passages_and_usage(server: Server, encoder: Encoder) -> None:
    with client_of(server) as client:
        said = client.embeddings.create(model="small-e5", input=TEXTS[0])
    np.testing.assert_array_equal(vector(said.data[0].embedding), encoder.embed(TEXTS[:1])[0])
    assert said.usage.prompt_tokens == len(encoder.tokenizer.frame(TEXTS[0]).ids)


def test_what_cannot_be_embedded_is_said(server: Server) -> None:
    with client_of(server) as client:
        for wrong in ("   ", [" "], "가 나 다 라 " * 500):
            with pytest.raises(openai.BadRequestError):
                client.embeddings.create(model="small-e5", input=wrong)
        with pytest.raises(openai.BadRequestError, match="dimensions"):
            client.embeddings.create(model="small-e5", input="a", dimensions=3)
        with pytest.raises(openai.NotFoundError, match="small-e5"):
            client.embeddings.create(model="talker", input="a")
        with pytest.raises(openai.BadRequestError, match="input"):
            client.embeddings.create(model="small-e5", input=[1, 2])
