"""Conversations: turns, what is run again and what is not, and what goes when they are long."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.errors import BadPrompt, ContextFull, OptionError
from ondol.overflow import Overflow
from ondol.reply import Finish, Limits, Reply
from ondol.sampling import Sampling
from ondol.session import Conversation
from ondol.template import Message
from talking_model import TALKER_CONTEXT, Printable
from tiny_models import Tiny

FEW = Limits(max_tokens=8)
WARM = Sampling(temperature=3.0, top_k=0, seed=11)


@pytest.fixture(scope="module")
def engine(talker: Bundle) -> Iterator[Engine]:
    with Engine.open(talker, threads=1, spin=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def null(talker: Bundle) -> Iterator[Engine]:
    """Answers "!", "#" and so on by how many tokens there are."""
    with Engine.open(talker, device="null") as opened:
        yield opened


def said(talk: Conversation) -> list[tuple[str, str]]:
    return [(turn.role, turn.content) for turn in talk.turns]


def test_an_answer_becomes_a_turn_when_it_has_ended(null: Engine) -> None:
    talk = Conversation(null)
    reply = talk.send("가", FEW)
    assert said(talk) == [("user", "가")]
    reply.read()
    assert said(talk) == [("user", "가"), ("assistant", reply.text)]
    talk.keep(reply)
    assert len(talk.turns) == 2


def test_a_reply_that_was_left_is_cut_short_by_the_next_message(null: Engine) -> None:
    talk = Conversation(null)
    first = talk.send("가")
    piece = next(first)
    second = talk.send("나", FEW)
    assert said(talk) == [("user", "가"), ("assistant", piece), ("user", "나")]
    assert second.read() and first.read() == piece and first.finish is Finish.CANCELLED
    assert len(talk.turns) == 4


def test_a_message_without_an_answer_is_no_turn(null: Engine) -> None:
    talk = Conversation(null)
    talk.send("가", FEW).cancel()
    talk.send("나", FEW).read()
    assert [turn.content for turn in talk.turns][:1] == ["나"] and len(talk.turns) == 2


def test_the_second_turn_runs_only_what_is_new(engine: Engine) -> None:
    """The first answer is of single letters, which the tokenizer would write as fewer tokens."""
    for seed in range(5):
        talk = Conversation(engine, sampling=replace(WARM, seed=seed))
        first = talk.send("온돌은 무엇인가요?", Limits(max_tokens=24), constraint=Printable())
        assert len(engine.tokenizer.encode(first.read())) <= 24
        second = talk.send("the", FEW)
        second.read()
        new = "<|end|>\n<|start|>user\nthe<|end|>\n<|start|>assistant\n"
        # and the first answer's last token, which was said and never run
        assert second.stats.prefill_tokens == len(engine.tokenizer.encode(new, special=True)) + 1
        assert second.stats.reused_tokens == first.stats.prompt_tokens + 24 - 1


def test_the_model_is_given_the_tokens_of_the_whole_text(engine: Engine) -> None:
    for seed in range(8):
        talk = Conversation(engine, sampling=replace(WARM, seed=seed))
        for text in ("가나다", "the", "한 번 더"):
            reply = talk.send(text, FEW)
            reply.read()
            shown = talk.turns[: len(talk.turns) - bool(reply.text)]
            prompt = talk.prompt(shown if reply.text else [*shown, Message("user", text)])
            plain = "".join(part.text for part in prompt.segments if not part.special)
            spelled = b"".join(map(engine.tokenizer.token_bytes, reply._prompt))
            assert spelled.decode("utf-8") == plain


def test_editing_a_turn_forgets_what_followed(engine: Engine) -> None:
    talk, fresh = Conversation(engine), Conversation(engine)
    for text in ("가", "나", "다"):
        say(talk, text)
    say(fresh, "가")
    edited, wanted = talk.edit(2, "라", FEW), fresh.send("라", FEW)
    assert edited._prompt == wanted._prompt
    assert edited.read() == wanted.read() and said(talk) == said(fresh)
    for wrong in (-1, 1, 99):
        with pytest.raises(OptionError, match="no user's turn"):
            talk.edit(wrong, "마")
    with pytest.raises(BadPrompt):
        talk.edit(0, " ")
    assert said(talk) == said(fresh)


def test_regenerating_answers_the_last_message_anew(engine: Engine) -> None:
    talk = Conversation(engine)
    with pytest.raises(OptionError):
        talk.regenerate()
    first = talk.send("가나", FEW)
    first.read()
    again = talk.regenerate(FEW)
    again.read()
    assert again.ids == first.ids and again.stats.prefill_tokens == 1
    other = talk.regenerate(FEW, WARM)
    other.read()
    assert other.ids != first.ids
    assert [turn.role for turn in talk.turns][0] == "user" and len(talk.turns) <= 2


def test_branches_go_their_own_ways(engine: Engine) -> None:
    talk = Conversation(engine)
    say(talk, "가")
    before = said(talk)
    other, stern = talk.branch(), talk.branch(system="짧게")
    say(other, "나")
    say(talk, "다")
    assert said(other)[:2] == said(talk)[:2] == before
    assert said(other)[2] == ("user", "나") and said(talk)[2] == ("user", "다")
    assert "짧게" in stern.prompt(stern.turns).text and "짧게" not in talk.prompt(talk.turns).text


def test_once_answers_and_forgets(engine: Engine) -> None:
    talk = Conversation(engine)
    talk.send("가", FEW).read()
    before = said(talk)
    aside = talk.once("나", FEW).read()
    assert said(talk) == before
    assert talk.send("나", FEW).read() == aside


def say(talk: Conversation, text: str) -> Reply:
    reply = talk.send(text, FEW, constraint=Printable())
    assert len(reply.read()) == 8
    return reply


def test_a_conversation_that_is_full_is_an_error_unless_told_otherwise(null: Engine) -> None:
    talk = Conversation(null)
    with pytest.raises(ContextFull):
        for _ in range(200):
            say(talk, "가나다라마바사")
    assert talk.turns[-1].role == "assistant"


def test_sliding_leaves_the_oldest_turns_out_and_keeps_the_system_prompt(null: Engine) -> None:
    talk = Conversation(null, system="짧게 답하세요.", overflow=Overflow.SLIDE)
    starts = []
    for at in range(60):
        reply = say(talk, f"{at}번째 말")
        assert reply.stats.prompt_tokens <= TALKER_CONTEXT - 8
        assert reply.finish is Finish.LENGTH
        starts.append(talk.start)
    assert len(talk.turns) == 120 and starts == sorted(starts) and talk.start > 80
    slides = len(set(starts)) - 1
    assert 0 < slides < 15  # half of the room is freed at once
    shown = talk.prompt(talk.turns[talk.start :]).text
    assert "짧게 답하세요." in shown and "59번째 말" in shown and "10번째 말" not in shown


def test_one_message_that_is_too_long_is_an_error_whatever_the_policy(null: Engine) -> None:
    for overflow in Overflow:
        talk = Conversation(null, overflow=overflow)
        say(talk, "가")
        with pytest.raises(ContextFull):
            talk.send("가" * TALKER_CONTEXT, FEW)
        say(talk, "나")


def test_summarising_asks_the_model_itself(null: Engine) -> None:
    talk = Conversation(null, system="짧게", overflow=Overflow.SUMMARISE)
    while not talk.start:
        say(talk, "가나다라마바사아자차카타파하")
    assert talk.summary.startswith("지금까지 나눈 대화의 요약: ")
    text = talk.prompt(talk.turns[talk.start :]).text
    assert f"짧게\n\n{talk.summary}" in text
    for _ in range(30):
        say(talk, "가나다라마바사")
    talk.edit(0, "처음부터", FEW).read()
    assert (talk.start, talk.summary) == (0, "")


def test_a_model_without_a_template_takes_each_message_alone(tiny: Tiny) -> None:
    with Engine.open(tiny("llama3"), device="null") as engine:
        talk = Conversation(engine, overflow=Overflow.SLIDE)
        talk.send("abc", FEW).read()
        assert talk.send("abc", FEW).stats.prompt_tokens == 3
        assert talk.prompt([Message("user", "abc")]).text == "abc"
