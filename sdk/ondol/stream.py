"""Tokens to text as they come: whole characters only, and nothing past a stop string.

A Korean syllable is three bytes, and a model may spread them over three tokens. What is pushed
here comes out as whole characters; joined, it equals `Tokenizer.decode` of the same ids. Bytes
that are no UTF-8 are left out, as in `decode`.
"""

import codecs
import unicodedata
from collections.abc import Iterable
from typing import Protocol

from ondol.errors import OptionError
from ondol.language import say


class Speller(Protocol):
    """What a stream needs of a tokenizer."""

    strips_space: bool

    def token_bytes(self, token: int, /) -> bytes:
        """The bytes a token stands for."""
        ...


class TextStream:
    """The text of a reply, piece by piece."""

    def __init__(self, tokenizer: Speller) -> None:
        self._bytes = tokenizer.token_bytes
        self._strip = tokenizer.strips_space
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")

    def push(self, token: int) -> str:
        """The characters that this token completes; empty where it completes none."""
        return self._first(self._decoder.decode(self._bytes(token)))

    def finish(self) -> str:
        """What is left at the end. Half a character is dropped, so a reply may end anywhere."""
        return self._first(self._decoder.decode(b"", final=True))

    def _first(self, text: str) -> str:
        if self._strip and text:
            self._strip = False
            return text.removeprefix(" ")
        return text


class StopStrings:
    """Holds back only text that may yet become a stop string, and ends the text before one.

    The stop that is complete first counts, and of those complete at the same character the
    longest. Time is linear in the text for each stop.

    Args:
        stops: the strings that end a reply; NFC-normalised, as replies are.

    Raises:
        OptionError: for an empty stop string.
    """

    def __init__(self, stops: Iterable[str] = ()) -> None:
        self._stops = tuple(dict.fromkeys(unicodedata.normalize("NFC", stop) for stop in stops))
        if "" in self._stops:
            raise OptionError(
                say("A stop string is empty.", "빈 멈춤 문자열이 있습니다."),
                say("Every text holds it.", "어느 글에나 들어 있는 셈입니다."),
                say("Leave it out.", "빼고 다시 하세요."),
            )
        self._borders = [_borders(stop) for stop in self._stops]
        self._matched = [0] * len(self._stops)
        self._held = ""
        self.stopped: str | None = None

    def push(self, text: str) -> str:
        """The text that can be shown now; nothing any more after a stop."""
        if self.stopped is not None:
            return ""
        if not self._stops:
            return text
        whole = self._held + text
        for place, char in enumerate(text, len(self._held) + 1):
            done = self._step(char)
            if done is not None:
                self.stopped = done
                self._held = ""
                return whole[: place - len(done)]
        keep = len(whole) - max(self._matched)
        self._held = whole[keep:]
        return whole[:keep]

    def finish(self) -> str:
        """What was held back and did not become a stop."""
        held, self._held = self._held, ""
        return held

    def _step(self, char: str) -> str | None:
        """Advance every stop by one character; the longest stop that is now complete."""
        done: str | None = None
        for number, stop in enumerate(self._stops):
            size = self._matched[number]
            while size and stop[size] != char:
                size = self._borders[number][size - 1]
            size += stop[size] == char
            self._matched[number] = size
            if size == len(stop) and (done is None or size > len(done)):
                done = stop
        return done


def _borders(stop: str) -> list[int]:
    """For each prefix of a stop, its longest proper part that is both its head and its tail."""
    borders = [0] * len(stop)
    size = 0
    for place in range(1, len(stop)):
        while size and stop[size] != stop[place]:
            size = borders[size - 1]
        size += stop[size] == stop[place]
        borders[place] = size
    return borders
