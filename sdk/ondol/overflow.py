"""What happens when a conversation no longer fits the context: an error, or the oldest turns go."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from ondol.prompt import Prompt
from ondol.reply import Limits
from ondol.template import Message

if TYPE_CHECKING:
    from ondol.session import Conversation

ANSWER_SHARE = 4  # a quarter of the context is left for the answer, or what `max_tokens` says
SUMMARY_SHARE = 8  # a summary is an eighth of the context at most
INSTRUCTION = (
    "다음은 사용자와 도우미가 나눈 대화입니다. 대화를 이어 가는 데 필요한 사실과 약속만 세 문장 "
    "이내로 요약하세요."
)
SPEAKERS = {"user": "사용자", "assistant": "도우미"}


class Overflow(StrEnum):
    """What a conversation does with turns that no longer fit."""

    ERROR = "error"  # ContextFull
    SLIDE = "slide"  # the oldest are left out; the system prompt stays
    SUMMARISE = "summarise"  # so, and the model's own summary of them follows the system prompt


def prompt_room(context: int, limits: Limits) -> int:
    """How many tokens of a context a prompt may take, so that an answer has room."""
    answer = context // ANSWER_SHARE
    return context - min(limits.max_tokens or answer, answer)


def slid(
    turns: Sequence[Message], start: int, room: int, size: Callable[[Sequence[Message]], int]
) -> int:
    """The first turn to be shown: `start` while all fits, else a later one of the user's.

    Half of the room is freed at once: each slide changes what the prompt begins with, so that it
    is run again as a whole. The last message is shown in any case.

    Args:
        turns: all of them; the last is the user's.
        start: the first that is shown now.
        room: tokens that a prompt may take.
        size: tokens of the prompt of some turns.
    """
    if size(turns[start:]) <= room:
        return start
    later = [at for at in range(start + 1, len(turns)) if turns[at].role == "user"]
    found = bisect_left(later, True, key=lambda at: size(turns[at:]) <= room // 2)
    return later[min(found, len(later) - 1)] if later else start


def make_room(
    talk: "Conversation", turns: Sequence[Message], limits: Limits
) -> tuple[Prompt, list[int]]:
    """Choose which of its turns a conversation shows the model, as its `overflow` says.

    Returns:
        The prompt of those turns, and its tokens.
    """
    made: dict[int, tuple[Prompt, list[int]]] = {}

    def size(shown: Sequence[Message]) -> int:
        prompt = talk.prompt(shown)
        made[len(shown)] = prompt, talk.trail.encode(prompt, talk.engine.tokenizer)
        return len(made[len(shown)][1])

    if talk.start >= len(turns):  # others were put in their place
        talk.start, talk.summary = 0, ""
    if talk.overflow is not Overflow.ERROR and talk.chats:
        room = prompt_room(talk.engine.session.context, limits)
        start = slid(turns, talk.start, room, size)
        if start > talk.start and talk.overflow is Overflow.SUMMARISE:
            talk.summary = _summarised(talk, turns[talk.start : start])
            made.clear()
        talk.start = start
    shown = turns[talk.start :]
    if len(shown) not in made:
        size(shown)
    return made[len(shown)]


def _summarised(talk: "Conversation", turns: Sequence[Message]) -> str:
    """The model's own summary of turns, the oldest left out if they are too long for that."""
    context = talk.engine.session.context
    most = context // SUMMARY_SHARE
    for first in range(len(turns)):
        ids = talk.ids([_request(talk.summary, turns[first:])])
        if len(ids) + most <= context:
            reply = talk.engine.reply(ids, talk.sampling, Limits(max_tokens=most))
            text = reply.read().strip()
            return f"지금까지 나눈 대화의 요약: {text}" if text else ""
    return ""


def _request(before: str, turns: Sequence[Message]) -> Message:
    lines = [f"{SPEAKERS.get(turn.role, turn.role)}: {turn.content}" for turn in turns]
    return Message("user", "\n".join([INSTRUCTION, "", *filter(None, [before]), *lines]))
