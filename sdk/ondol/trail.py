"""What a conversation has run so far, as text and as tokens, so that nothing is run twice.

A model may have written a text in other tokens than the tokenizer would choose. A prompt that
begins with a text whose tokens are known gets those, so that the cache still holds them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ondol.prompt import Prompt, Segment

if TYPE_CHECKING:
    from ondol.tokenizer import Tokenizer

HALF = 5  # tokens at an answer's end that may be no text: three bytes of a character, and the end


@dataclass(frozen=True, slots=True)
class Mark:
    """A place where text and tokens are known to agree: characters and tokens before it."""

    characters: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Trail:
    """A text, its tokens, and the places in it from which other prompts may go on."""

    text: str = ""
    ids: tuple[int, ...] = ()
    marks: tuple[Mark, ...] = field(default=())

    def encode(self, prompt: Prompt, tokenizer: "Tokenizer") -> list[int]:
        """The ids of a prompt; as far as it begins like the trail, those of the trail.

        Raises:
            BadPrompt: as of `Tokenizer.encode_prompt`.
        """
        for mark in reversed(self.marks):
            rest = self._rest(prompt, mark)
            if rest is not None:
                return [*self.ids[: mark.tokens], *tokenizer.encode_prompt(rest, begins=False)]
        return tokenizer.encode_prompt(prompt)

    def prompted(self, prompt: Prompt, ids: Sequence[int]) -> "Trail":
        """The trail after a prompt was given as these ids."""
        kept = tuple(mark for mark in self.marks if self._rest(prompt, mark) is not None)
        return Trail(prompt.text, tuple(ids), kept)._marked()

    def said(self, text: str, ids: Sequence[int], tokenizer: "Tokenizer") -> "Trail":
        """The trail after an answer; unchanged where its text is not what its tokens say.

        The tokens of half a character, and the one that ended the reply, are no text.
        """
        wanted = text.encode("utf-8")
        ways = (wanted, b" " + wanted) if tokenizer.strips_space else (wanted,)
        for end in range(len(ids), max(0, len(ids) - HALF), -1):
            spoken = ids[:end]
            if (
                b"".join(map(tokenizer.token_bytes, spoken)) in ways
                and spoken[-1] not in tokenizer.eos
            ):
                return replace(self, text=self.text + text, ids=(*self.ids, *spoken))._marked()
        return self

    def _marked(self) -> "Trail":
        return replace(self, marks=(*self.marks, Mark(len(self.text), len(self.ids))))

    def _rest(self, prompt: Prompt, mark: Mark) -> Prompt | None:
        """What of a prompt comes after a mark; None if it is another text, or cut in a word."""
        if not prompt.text.startswith(self.text[: mark.characters]):
            return None
        rest = after(prompt.segments, mark.characters)
        if rest and not rest[0].special:
            return None
        return Prompt(prompt.text[mark.characters :], rest)


def after(segments: Sequence[Segment], characters: int) -> tuple[Segment, ...]:
    """The segments of a prompt after so many characters; one that lies across is cut."""
    left = characters
    for at, segment in enumerate(segments):
        if left < len(segment.text):
            cut = Segment(segment.text[left:], segment.special and not left)
            return (cut, *segments[at + 1 :])
        left -= len(segment.text)
    return ()
