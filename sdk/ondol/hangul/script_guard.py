"""A reply kept to Hangul, Latin letters, digits, signs and emoji: no stray Chinese or kana.

Tokens are bytes, and a character may lie over several of them. The guard follows UTF-8 (RFC 3629)
from byte to byte, so that it forbids a Chinese character spelt in bytes as well, and every
character that was begun is completed.
"""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ondol.errors import OptionError
from ondol.hangul.given import given
from ondol.language import say
from ondol.scripts import COMMON_BLOCKS, HANGUL_BLOCKS, Script, is_hangul, is_letter, script_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ondol.runtime import Logits
    from ondol.tokenizer import Tokenizer

KOREAN: tuple[Script, ...] = ("common", "greek", "hangul", "latin")

ASKED_FOR: tuple[tuple[str, tuple[Script, ...]], ...] = (
    ("한자", ("han",)),
    ("중국", ("han",)),
    ("일본", ("han", "kana")),
    ("사자성어", ("han",)),
    ("고사성어", ("han",)),
    ("히라가나", ("kana",)),
    ("가타카나", ("kana",)),
    ("번역", ("han", "kana", "other")),
    ("외국어", ("han", "kana", "other")),
    ("러시아", ("other",)),
    ("아랍", ("other",)),
    ("태국", ("other",)),
    ("베트남", ("other",)),
)
"""Words of a question that ask for other scripts, and which."""

_CONTINUES = range(0x80, 0xC0)


@dataclass(frozen=True, slots=True)
class ScriptGuard:
    """A rule for replies: their letters are of these scripts (`ondol.scripts`).

    ASCII is always allowed. Special tokens are left to the model, but for the middle of a
    character. A vocabulary is read once; the guard is then one assignment for each token.

    Args:
        scripts: the scripts allowed; "common" are digits, punctuation, symbols and emoji.

    Raises:
        OptionError: if no such script is known, or none is given.
    """

    scripts: tuple[Script, ...] = KOREAN

    def __post_init__(self) -> None:
        known = Script.__args__  # type: ignore[attr-defined]
        unknown = [script for script in self.scripts if script not in known]
        if unknown or not self.scripts:
            raise OptionError(
                say(
                    f"There is no script {unknown[0]!r:.40}."
                    if unknown
                    else "No script is allowed.",
                    f"{unknown[0]!r:.40} 문자는 없습니다."
                    if unknown
                    else "허용한 문자가 없습니다.",
                ),
                say("A reply has to be written somehow.", "답은 어떤 문자로든 써야 합니다."),
                say(f"Choose among {', '.join(known)}.", f"고를 수 있는 것: {', '.join(known)}"),
            )

    @classmethod
    def korean(cls, *, hanja: bool = False) -> "ScriptGuard":
        """The guard of Korean text; `hanja` allows Chinese characters too."""
        return cls((*KOREAN, "han") if hanja else KOREAN)

    @classmethod
    def for_chat(cls, text: str) -> "ScriptGuard | None":
        """The guard that fits a message: none where it holds no Hangul.

        Scripts that the message itself is written in, and those it asks for by name (한자, 일본,
        번역 and the like, `ASKED_FOR`), are allowed in the answer.

        Raises:
            OptionError: if it is no text.
        """
        whole = given(text)
        if not any(map(is_hangul, whole)):
            return None
        asked: set[Script] = {script_of(char) for char in whole if is_letter(char)}
        asked.update(s for word, scripts in ASKED_FOR if word in whole for s in scripts)
        return cls((*KOREAN, *sorted(asked.difference(KOREAN))))

    def over(self, tokenizer: "Tokenizer") -> "GuardedReply":
        """A fresh constraint for one reply in this tokenizer's tokens."""
        return GuardedReply(tokenizer, frozenset(self.scripts))


class _Allowed(dict[str, bool]):
    """Whether a character may be written; filled as characters are met."""

    def __init__(self, scripts: frozenset[Script]) -> None:
        super().__init__()
        self._scripts = scripts

    def __missing__(self, char: str) -> bool:
        found = self[char] = char.isascii() or script_of(char) in self._scripts
        return found


class GuardTable:
    """A vocabulary sorted by what a guard allows.

    Args:
        tokenizer: whose tokens they are.
        scripts: the scripts allowed.
        size: how many ids there are, as logits have.

    Attributes:
        ceiling: float32 [size], -inf for ids that may not come where a character may begin, and
            inf for all others.
    """

    def __init__(self, tokenizer: "Tokenizer", scripts: frozenset[Script], size: int) -> None:
        import numpy as np

        self._allowed = _Allowed(scripts)
        self._continuing: dict[int, bytes] = {}
        self._inside: dict[bytes, NDArray[np.int64]] = {}
        self._begun: dict[bytes, bool] = {}
        beyond: list[tuple[int, bytes]] = []
        for token in range(size):
            data = tokenizer.spell(token)
            if not data.isascii():
                if data[0] in _CONTINUES:
                    self._continuing[token] = data
                beyond.append((token, data))
        alone = {data for data in self._continuing.values() if len(data) == 1}
        self._completes = len(alone) == len(_CONTINUES)
        self.ceiling = np.full(size, np.inf, np.float32)
        self.ceiling[[token for token, data in beyond if not self._may_come(data)]] = -np.inf

    def _may_come(self, data: bytes) -> bool:
        try:  # nearly all tokens are whole characters
            return all(map(self._allowed.__getitem__, data.decode()))
        except UnicodeDecodeError:
            return self.after(b"", data) is not None

    def after(self, pending: bytes, data: bytes) -> bytes | None:
        """What of a character is begun when a token's bytes follow; None where they may not.

        Args:
            pending: the bytes of a character begun before; empty between characters.
            data: the bytes of the token.
        """
        try:
            text, left = _decoded(pending + data)
        except UnicodeDecodeError:
            return None
        if not all(map(self._allowed.__getitem__, text)):
            return None
        return left if not left or self._may_begin(left) else None

    def inside(self, pending: bytes) -> "NDArray[np.int64]":
        """Ids that may follow the bytes of a character that is begun."""
        import numpy as np

        if pending not in self._inside:
            fits = (t for t, d in self._continuing.items() if self.after(pending, d) is not None)
            self._inside[pending] = np.array(list(fits), np.int64)
        return self._inside[pending]

    def _may_begin(self, begun: bytes) -> bool:
        """Whether bytes begin an allowed character, and tokens for the rest exist."""
        if begun not in self._begun:
            self._begun[begun] = self._completes and any(
                self._allowed[chr(code)] for code in _codes(begun)
            )
        return self._begun[begun]


Key = tuple[frozenset[Script], int]

_TABLES: "WeakKeyDictionary[Tokenizer, dict[Key, GuardTable]]" = WeakKeyDictionary()


def _table(tokenizer: "Tokenizer", scripts: frozenset[Script], size: int) -> GuardTable:
    tables = _TABLES.setdefault(tokenizer, {})
    if (scripts, size) not in tables:
        tables[scripts, size] = GuardTable(tokenizer, scripts, size)
    return tables[scripts, size]


class GuardedReply:
    """A constraint (`ondol.constraint`) that keeps one reply to a guard; it never ends one."""

    finished = False

    def __init__(self, tokenizer: "Tokenizer", scripts: frozenset[Script]) -> None:
        self._tokenizer = tokenizer
        self._scripts = scripts
        self._pending = b""

    def mask(self, logits: "Logits") -> None:
        """Set the logits of forbidden tokens, float32 [vocabulary], to -inf in place."""
        import numpy as np

        table = _table(self._tokenizer, self._scripts, len(logits))
        if not self._pending:
            np.minimum(logits, table.ceiling, out=logits)
            return
        allowed = table.inside(self._pending)
        kept = logits[allowed]
        logits.fill(-np.inf)
        logits[allowed] = kept

    def accept(self, token: int) -> None:
        """Follow a token that was chosen; one that breaks off a character begins anew."""
        data = self._tokenizer.spell(token)
        if self._pending or not data.isascii():
            self._pending = _left(self._pending, data)


def _decoded(data: bytes) -> tuple[str, bytes]:
    """The characters that bytes hold, and those of one that is begun.

    Raises:
        UnicodeDecodeError: if they are no UTF-8.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    text = decoder.decode(data)
    return text, decoder.getstate()[0]


def _left(pending: bytes, data: bytes) -> bytes:
    """The bytes of a character that is begun, also where it breaks off one begun before."""
    for start in (pending + data, data):
        try:
            return _decoded(start)[1]
        except UnicodeDecodeError:
            continue
    return b""


def _codes(begun: bytes) -> Sequence[int]:
    """Code points whose UTF-8 begins so; of the widest leads only those in the blocks known."""
    lead = begun[0]
    size = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    bits = lead & (0xFF >> (size + 1))
    for byte in begun[1:]:
        bits = bits << 6 | byte & 0x3F
    shift = 6 * (size - len(begun))
    least = {2: 0x80, 3: 0x800, 4: 0x10000}[size]
    codes = range(max(bits << shift, least), min((bits + 1) << shift, 0x110000))
    if len(codes) <= 0x1000:
        return codes
    return [
        code
        for first, last in (*COMMON_BLOCKS, *HANGUL_BLOCKS)
        for code in range(max(first, codes.start), min(last + 1, codes.stop))
    ]
