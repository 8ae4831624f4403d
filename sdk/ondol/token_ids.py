"""What may be run on a session: at least one id, all of the vocabulary, and no more than fit."""

from collections.abc import Sequence

from ondol.errors import ContextFull, OptionError
from ondol.language import say


def check_ids(ids: Sequence[int], vocabulary: int, length: int, context: int) -> None:
    """Refuse token ids that cannot be run after the `length` that a session holds.

    Raises:
        OptionError: if there are none, or one is outside the vocabulary.
        ContextFull: if there is no room for all of them.
    """
    if len(ids) == 0:
        raise OptionError(say("No tokens were given.", "토큰이 없습니다."))
    low, high = min(ids), max(ids)
    if low < 0 or high >= vocabulary:
        bad = low if low < 0 else high
        raise OptionError(
            say(
                f"Token id {bad} is outside the vocabulary.",
                f"토큰 번호 {bad}은(는) 어휘에 없습니다.",
            ),
            say(f"It has {vocabulary} tokens.", f"어휘는 {vocabulary}개입니다."),
        )
    check_room(len(ids), length, context)


def check_room(count: int, length: int, context: int) -> None:
    """Refuse more tokens than there is room for after the `length` that a session holds.

    Raises:
        ContextFull: with the numbers.
    """
    if length + count > context:
        raise ContextFull(
            say(
                f"{count} more tokens do not fit: {length} of {context} positions are in use.",
                f"토큰 {count}개가 더 들어갈 자리가 없습니다. "
                f"{context}자리 중 {length}자리를 쓰고 있습니다.",
            ),
            say(
                "The context was fixed when the session was opened.",
                "문맥 길이는 세션을 열 때 정해집니다.",
            ),
            say(
                "Open the session with a larger context, or rewind.",
                "문맥을 더 크게 열거나 앞부분으로 되감으세요.",
            ),
        )
