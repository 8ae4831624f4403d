"""A prompt before it is ids: ordinary text, and the special tokens between."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ondol.errors import BadPrompt
from ondol.language import say


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of a prompt: one special token by its text, or ordinary text."""

    text: str
    special: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt ready to encode: its text, and which parts of it are special tokens."""

    text: str
    segments: tuple[Segment, ...]

    @classmethod
    def plain(cls, text: str) -> "Prompt":
        """A prompt without special tokens, for models without a chat template."""
        return cls(text, (Segment(text),) if text else ())


class Specials:
    """Finds special tokens in text, and hides those that users wrote."""

    def __init__(self, tokens: Mapping[str, int]) -> None:
        self._by_first: dict[str, set[str]] = {}
        for token in tokens:
            if token:
                self._by_first.setdefault(token[0], set()).add(token)
        self._sizes = {
            first: sorted({len(token) for token in tokens}, reverse=True)
            for first, tokens in self._by_first.items()
        }
        self._longest = max(map(len, tokens), default=0)

    def split(self, text: str, mark: str = "") -> Iterator[Segment]:
        """Cut a text at its special tokens, leftmost first, longest of equals.

        Args:
            text: the text.
            mark: a token with this after it is ordinary text; see `hide`.
        """
        start = at = 0
        while at < len(text):
            size = self._size_at(text, at)
            if size and not (mark and text.startswith(mark, at + size)):
                if start < at:
                    yield Segment(text[start:at])
                yield Segment(text[at : at + size], special=True)
                start = at = at + size
            else:
                at += 1
        if start < len(text):
            yield Segment(text[start:])

    def hide(self, text: str, mark: str) -> str:
        """The text with a mark after the first character of every special token in it.

        Of one that the text's end only begins, too: what follows could complete it.
        """
        if not any(first in text for first in self._by_first):
            return text
        pieces: list[str] = []
        for at, char in enumerate(text):
            pieces.append(char)
            if char in self._by_first and (self._size_at(text, at) or self._begins(text, at)):
                pieces.append(mark)
        return "".join(pieces)

    def _size_at(self, text: str, at: int) -> int:
        tokens = self._by_first.get(text[at])
        if tokens:
            for size in self._sizes[text[at]]:
                if text[at : at + size] in tokens:
                    return size
        return 0

    def _begins(self, text: str, at: int) -> bool:
        if len(text) - at >= self._longest:
            return False
        tail = text[at:]
        return any(token.startswith(tail) for token in self._by_first[text[at]])


def check_text(text: str) -> None:
    """Refuse text that is no Unicode.

    Raises:
        BadPrompt: if it holds a lone surrogate; the message says where.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as exc:
        code = f"U+{ord(text[exc.start]):04X}"
        raise BadPrompt(
            say(
                f"The text is not Unicode: character {exc.start + 1} is {code}.",
                f"유니코드 글이 아닙니다. {exc.start + 1}번째 글자가 {code}입니다.",
            ),
            say(
                "That is half of a surrogate pair, which stands for no character.",
                "서로게이트 쌍의 반쪽이라 아무 글자도 나타내지 않습니다.",
            ),
            say(
                "Decode the input as UTF-8 with errors='replace' before passing it on.",
                "입력을 UTF-8로, errors='replace'를 주어 해독한 뒤 넘기세요.",
            ),
        ) from exc
