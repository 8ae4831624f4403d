"""What may be asked of a library."""

import unicodedata
from typing import get_args

from ondol.errors import BadPrompt, OptionError
from ondol.language import say
from ondol.prompt import check_text
from ondol.retrieval.searching import By


def checked_question(question: str) -> str:
    """A question in NFC.

    Raises:
        BadPrompt: if it is empty or not Unicode.
    """
    if not isinstance(question, str) or not question.strip():
        raise BadPrompt(
            say("The question is empty.", "질문이 비어 있습니다."),
            say("There is nothing to look for.", "찾을 것이 없습니다."),
            say("Write something.", "내용을 써 주세요."),
        )
    check_text(question)
    return unicodedata.normalize("NFC", question)


def check_wish(k: int, by: str, without: bool) -> None:
    """Refuse what cannot be searched for.

    Args:
        k: how many passages are wanted.
        by: what shall count.
        without: whether the library was opened without an encoder.

    Raises:
        OptionError: for what is none of the possible.
    """
    if by not in get_args(By):
        raise OptionError(
            say(f"There is no way of searching {by!r}.", f"찾는 방법에 {by!r}은(는) 없습니다."),
            say("There are: ", "쓸 수 있는 값: ") + ", ".join(get_args(By)),
        )
    if by != "words" and without:
        raise OptionError(
            say("The library was opened without an encoder.", "인코더 없이 연 문서고입니다."),
            say("There are no vectors to search by.", "벡터로 찾을 수 없습니다."),
            'Library.open(path, encoder="multilingual-e5-small")',
        )
    if not isinstance(k, int) or not 1 <= k <= 100:
        raise OptionError(
            say(f"k cannot be {k!r}.", f"k 값으로 {k!r}을(를) 쓸 수 없습니다."),
            say("It is how many passages are wanted.", "찾을 대목의 수입니다."),
            say("Choose 1 to 100.", "1에서 100 사이로 고르세요."),
        )
