"""What `ondol.tokenizer.Tokenizer` needs of whatever runs a `tokenizer.json`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ondol.errors import CorruptBundle
from ondol.framed import Framed
from ondol.language import say


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a token's text is read as bytes.

    `byte_level`: in letters that stand for bytes; `byte_fallback`: `<0xEA>` is one byte;
    `continues`: what a WordPiece token inside a word begins with; `strips_space`: whether
    decoded text loses a space at its start.
    """

    byte_level: bool = False
    byte_fallback: bool = False
    continues: str | None = None
    strips_space: bool = False


class Backend(ABC):
    """A loaded tokenizer: `name` says by what, `spelling` how its tokens are read."""

    name: str
    spelling: Spelling

    @property
    @abstractmethod
    def size(self) -> int:
        """How many tokens there are."""

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """The ids of a text without surrogates; special tokens written in it are text."""

    @abstractmethod
    def frame(self, text: str) -> Framed:
        """A text with what the tokenizer puts around one."""

    @abstractmethod
    def text_of(self, token: int) -> str | None:
        """A token as the vocabulary writes it; None for an id without one."""

    @abstractmethod
    def specials(self) -> Mapping[str, int]:
        """Special tokens by their text."""

    @abstractmethod
    def is_special(self, token: int) -> bool:
        """Whether an id is that of a special token."""

    @abstractmethod
    def added(self) -> frozenset[int]:
        """Ids of tokens that are cut out of a text first; special ones too."""

    @abstractmethod
    def vocabulary(self) -> Mapping[str, int]:
        """Every token's id by its text."""


def spelling_of(steps: Sequence[Mapping[str, Any]]) -> Spelling:
    """How tokens are spelt, from the steps of a `tokenizer.json`'s decoder."""
    kinds = {step.get("type") for step in steps}
    strips = any(
        (step.get("type") == "Strip" and step.get("content") == " " and step.get("start"))
        or (step.get("type") == "Metaspace" and metaspace_scheme(step) != "never")
        or step.get("type") == "WordPiece"
        for step in steps
    )
    continues = (str(step["prefix"]) for step in steps if step.get("type") == "WordPiece")
    return Spelling(
        "ByteLevel" in kinds, "ByteFallback" in kinds, next(continues, None), bool(strips)
    )


def metaspace_scheme(step: Mapping[str, Any]) -> str:
    """Where Metaspace puts a space in front: always, first or never; older files say a bool."""
    found = step.get("prepend_scheme")
    return str(found) if found else ("always" if step.get("add_prefix_space", True) else "never")


def corrupt(name: str, why: str) -> CorruptBundle:
    """The error for a tokenizer's file that does not hold."""
    return CorruptBundle(
        say(f"{name} cannot be loaded.", f"{name} 파일을 불러올 수 없습니다."),
        why,
        say(
            "Check the bundle with `ondol verify`, or convert it again.",
            "`ondol verify`로 번들을 확인하거나 다시 변환하세요.",
        ),
    )
