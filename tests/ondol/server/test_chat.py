"""Chat completions through the official client: the same words as without a server."""

import json
import unicodedata

import openai
import pytest

from ondol import Assistant
from ondol.reply import Limits
from ondol.sampling import Sampling
from ondol.server.serving import Server
from ondol.template import Message
from serving import SECRET, chat_body, client_of, web


def test_an_answer_is_the_assistants_own_with_usage_and_label(
    server: Server, assistant: Assistant
) -> None:
    own = assistant.reply(SECRET, limits=Limits(8))
    own.read()
    with client_of(server) as client:
        raw = client.chat.completions.with_raw_response.create(**chat_body())
        said = raw.parse()
    assert said.choices[0].message.content == own.text
    assert said.choices[0].finish_reason == "length"
    assert said.usage is not None
    assert said.usage.prompt_tokens == own.stats.prompt_tokens
    assert said.usage.completion_tokens == len(own.ids) == 8
    about = said.model_dump()["ondol"]
    assert about["finish"] == "length" and about["label"]["ai_generated"] is True
    assert about["label"]["model"] == "talker" and "talker" in about["mark"]
    assert json.loads(raw.headers["Ondol-AI-Label"])["model"] == "talker"
    assert raw.headers["cache-control"] == "no-store"


def test_a_stream_is_the_same_text_piece_by_piece(server: Server) -> None:
    with client_of(server) as client:
        whole = client.chat.completions.create(**chat_body(max_tokens=30))
        options = {"include_usage": True}
        body = chat_body(max_tokens=30, stream=True, stream_options=options)
        chunks = list(client.chat.completions.create(**body))
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(pieces) == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].usage is not None and whole.usage is not None
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens == 30
    last = chunks[-2]
    assert last.choices[0].finish_reason == "length"
    assert last.model_dump()["ondol"]["label"]["ai_generated"] is True


def test_settings_reach_the_sampler_and_the_limits(server: Server, assistant: Assistant) -> None:
    drawn = Sampling(temperature=1.5, top_p=0.9, seed=7, repetition_penalty=1.1)
    own = assistant.reply(SECRET, sampling=drawn, limits=Limits(20)).read()
    settings = {"temperature": 1.5, "top_p": 0.9, "seed": 7}
    with client_of(server) as client:
        body = chat_body(max_tokens=20, extra_body={"repetition_penalty": 1.1}, **settings)
        said = client.chat.completions.create(**body)
        stop = own[3:6]
        cut = client.chat.completions.create(**body, stop=[stop, "never"])
    assert said.choices[0].message.content == own
    assert cut.choices[0].message.content == own[: own.index(stop)]
    assert cut.choices[0].finish_reason == "stop"


def test_turns_and_system_prompts_are_the_models_own(server: Server, assistant: Assistant) -> None:
    told = ("system", "짧게 답하세요."), ("user", "가"), ("assistant", "다"), ("user", "나")
    talk = assistant.conversation("")
    prompt = talk.prompt([Message(role, text) for role, text in told])
    own = talk.engine.reply(prompt, talk.sampling, Limits(5)).read()
    turns = [
        {"role": "developer", "content": [{"type": "text", "text": "짧게 답하세요."}]},
        {"role": "user", "content": unicodedata.normalize("NFD", "가")},
        {"role": "assistant", "content": "다"},
        {"role": "user", "content": "나"},
    ]
    with client_of(server) as client:
        body = chat_body(messages=turns, max_tokens=None, max_completion_tokens=5)
        said = client.chat.completions.create(**body)
    assert said.choices[0].message.content == own


def test_errors_come_in_openais_shape(server: Server) -> None:
    with client_of(server) as client:
        with pytest.raises(openai.NotFoundError) as unknown:
            client.chat.completions.create(**chat_body(model="gpt-5"))
        with pytest.raises(openai.BadRequestError) as long:
            client.chat.completions.create(
                **chat_body(messages=[{"role": "user", "content": "가" * 9000}])
            )
        with pytest.raises(openai.BadRequestError) as odd:
            client.chat.completions.create(**chat_body(n=3))
        with pytest.raises(openai.BadRequestError, match="role"):
            client.chat.completions.create(**chat_body(messages=[{"role": "pirate"}]))
    assert unknown.value.code == "model_not_found" and unknown.value.param == "model"
    assert long.value.code == "context_length_exceeded"
    assert odd.value.param == "n"


def test_errors_follow_the_language(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDOL_LANG", "ko")
    with web(server) as asking:
        error = asking.post("/v1/chat/completions", json=chat_body(model="x")).json()["error"]
    assert "모델은 제공하지 않습니다" in error["what"] and error["why"] and error["fix"]
    assert error["message"].startswith(error["what"])


def test_models_are_listed(server: Server) -> None:
    with client_of(server) as client:
        assert [model.id for model in client.models.list()] == ["talker", "small-e5"]
