"""What may be run on a session: at least one id, all of the vocabulary, and no more than fit."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ondol.errors import BadPrompt, ContextFull, OptionError
from ondol.language import say
from ondol.prompt import Prompt

if TYPE_CHECKING:
    from ondol.tokenizer import Tokenizer


def prompt_ids(
    prompt: str | Prompt | Sequence[int], tokenizer: "Tokenizer", context: int
) -> list[int]:
    """The ids of a prompt that is to be answered within a context.

    Raises:
        BadPrompt: if it is empty, not Unicode, or of a type that is no prompt.
        ContextFull: if it leaves no room for an answer.
    """
    if isinstance(prompt, str):
        ids = tokenizer.encode_prompt(Prompt.plain(prompt)) if prompt else []
    elif isinstance(prompt, Prompt):
        ids = tokenizer.encode_prompt(prompt)
    elif _ids(prompt):
        ids = list(prompt)
    else:
        raise BadPrompt(
            say("The prompt is no text.", "질문이 글이 아닙니다."),
            f"{type(prompt).__name__}: {prompt!r:.80}",
            say("Give a str, a Prompt or token ids.", "str, Prompt 또는 토큰 번호를 주세요."),
        )
    if not ids:
        raise BadPrompt(
            say("The prompt is empty.", "질문이 비어 있습니다."),
            say("There is nothing to answer.", "답할 내용이 없습니다."),
            say("Write something.", "내용을 써 주세요."),
        )
    if len(ids) >= context:
        raise ContextFull(
            say(
                f"The prompt has {len(ids)} tokens; the context holds {context}.",
                f"질문이 {len(ids)}토큰인데 문맥에는 {context}토큰까지 들어갑니다.",
            ),
            say("No room is left for an answer.", "답을 쓸 자리가 남지 않습니다."),
            say(
                "Shorten the prompt, or open with a larger context.",
                "질문을 줄이거나 문맥을 더 크게 여세요.",
            ),
        )
    return ids


def _ids(prompt: object) -> bool:
    if not isinstance(prompt, Sequence) or isinstance(prompt, bytes | bytearray | memoryview):
        return False
    return all(isinstance(token, int) for token in prompt)


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
