"""What every function here takes: text, brought to NFC."""

import unicodedata

from ondol.errors import OptionError
from ondol.language import say


def given(text: str) -> str:
    """A text in NFC.

    Raises:
        OptionError: if it is no text.
    """
    if not isinstance(text, str):
        raise OptionError(
            say(
                f"A text was expected, not {type(text).__name__}.",
                f"글이 와야 할 자리에 {type(text).__name__} 값이 왔습니다.",
            ),
            say("Only str can be read as Korean.", "str만 한국어로 읽을 수 있습니다."),
            say("Decode bytes first; format numbers.", "bytes는 풀고, 수는 글로 바꾸세요."),
        )
    return unicodedata.normalize("NFC", text)
