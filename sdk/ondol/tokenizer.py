"""Text to ids and back, exactly: what a user types never becomes a special token.

Input is NFC-normalised, so that Korean typed as separate jamo (NFD, as macOS file names are)
gives the same ids as composed syllables. Bytes that are no UTF-8 are left out of decoded text.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from ondol.archive import Place
from ondol.bundle import Bundle
from ondol.errors import BadPrompt, OptionError, SessionClosed
from ondol.framed import Framed
from ondol.language import say
from ondol.prompt import Prompt, Segment, Specials, check_text
from ondol.tokenizing.backend import Backend, corrupt
from ondol.tokenizing.layout import TABLE
from ondol.tokenizing.letters import byte_level as byte_level
from ondol.tokenizing.opening import TOKENIZER, By, loaded, mapped
from ondol.tokenizing.steps import SPACE

_BYTE = re.compile("<0x[0-9A-Fa-f]{2}>")


class Tokenizer:
    """A `tokenizer.json`, loaded.

    Args:
        source: the text of a `tokenizer.json`, as str or UTF-8 bytes; or what runs one.
        bos: id that `encode_prompt` puts first; None for none.
        eos: ids that end a reply.
        by: what it runs by; "any" is the library where that is installed. Without it a table is
            made in memory, of BPE vocabularies only.

    Raises:
        CorruptBundle: if it cannot be loaded.
        MissingExtra: if only the library could load it, and it is not installed.
    """

    def __init__(
        self,
        source: str | bytes | Backend,
        *,
        bos: int | None = None,
        eos: Sequence[int] = (),
        by: By = "any",
    ) -> None:
        self._loaded: Backend | None = source if isinstance(source, Backend) else loaded(source, by)
        self.bos = bos
        self.eos = tuple(eos)
        self._bytes: dict[int, bytes] = {}
        self._spelling = self._backend.spelling
        self.strips_space = self._spelling.strips_space

    @classmethod
    def open(
        cls, path: Path, *, bos: int | None = None, eos: Sequence[int] = (), by: By = "any"
    ) -> "Tokenizer":
        """Load a `tokenizer.json` file, or the table beside it; arguments as of the class.

        "any" is the table where there is one.

        Raises:
            CorruptBundle: if it cannot be loaded, or the table is that of another file.
            MissingExtra: if only the library could load it, and it is not installed.
        """
        beside = path.with_name(TABLE)
        try:
            if by == "library" or not beside.is_file():
                return cls(path.read_bytes(), bos=bos, eos=eos, by=by)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            place = Place.whole(beside)
        except OSError as exc:
            raise corrupt(path.name, str(exc)) from exc
        return cls(mapped(place, digest), bos=bos, eos=eos)

    @classmethod
    def of(
        cls, bundle: Bundle, *, bos: int | None = None, eos: Sequence[int] = (), by: By = "any"
    ) -> "Tokenizer":
        """A bundle's tokenizer, checked against its manifest; arguments as of the class.

        "any" is the bundle's table where it has one, which is mapped and not read.

        Raises:
            CorruptBundle: if a file is not what the manifest says, or cannot be loaded.
            MissingExtra: if only the library could load it, and it is not installed.
        """
        if by != "library" and cls.has_table(bundle):
            bundle.verify([TABLE])
            hashes = {entry.path: entry.sha256 for entry in bundle.manifest.files}
            return cls(mapped(bundle.place(TABLE), hashes[TOKENIZER]), bos=bos, eos=eos)
        bundle.verify([TOKENIZER])
        return cls(bundle.read(TOKENIZER), bos=bos, eos=eos, by=by)

    def close(self) -> None:
        """Let go of the table; what is asked of the tokenizer afterwards is SessionClosed."""
        self._loaded = None

    @property
    def _backend(self) -> Backend:
        if self._loaded is None:
            raise SessionClosed(
                say("The tokenizer is closed.", "토크나이저가 닫혔습니다."),
                say("Its engine was closed.", "엔진을 닫으면 함께 닫힙니다."),
                say("Open the bundle again.", "번들을 다시 여세요."),
            )
        return self._loaded

    @staticmethod
    def has_table(bundle: Bundle) -> bool:
        """Whether a bundle's tokenizer can be opened without being parsed."""
        return any(entry.path == TABLE for entry in bundle.manifest.files)

    @property
    def backend(self) -> str:
        """What it runs by: "tokenizers", the library, or "mapped", a table."""
        return self._backend.name

    @property
    def size(self) -> int:
        """How many tokens the vocabulary has."""
        return self._backend.size

    @cached_property
    def special_tokens(self) -> Mapping[str, int]:
        """Special tokens by their text."""
        return self._backend.specials()

    @cached_property
    def vocabulary(self) -> Mapping[str, int]:
        """Every token's id by its text, as the vocabulary writes it; special tokens too."""
        return self._backend.vocabulary()

    @property
    def bos_text(self) -> str:
        """The text of `bos`, as chat templates write it; empty without one."""
        return "" if self.bos is None else self._backend.text_of(self.bos) or ""

    @property
    def eos_text(self) -> str:
        """The text of the first of `eos`; empty without one."""
        return self._backend.text_of(self.eos[0]) or "" if self.eos else ""

    def encode(self, text: str, *, special: bool = False, normalise: bool = True) -> list[int]:
        """The ids of a text, without `bos`.

        Args:
            text: any Unicode text.
            special: whether special tokens written in the text are meant as such.
            normalise: whether the text is brought to NFC first.

        Raises:
            BadPrompt: if the text holds a lone surrogate.
        """
        check_text(text)
        if special:
            ids: list[int] = []
            for segment in self._specials.split(text):
                ids += self._encode_segment(segment, normalise)
            return ids
        return self._encode_segment(Segment(text), normalise)

    def encode_prompt(self, prompt: Prompt, *, begins: bool = True) -> list[int]:
        """The ids of a prompt: `bos` first unless the template wrote it, special ones as such.

        Args:
            prompt: as a template rendered it.
            begins: whether it is the beginning, where `bos` belongs, or goes on from something.

        Raises:
            BadPrompt: if the text holds a lone surrogate, or a special token is not in the
                vocabulary.
        """
        ids: list[int] = []
        for segment in prompt.segments:
            check_text(segment.text)
            ids += self._encode_segment(segment, normalise=True)
        if begins and self.bos is not None and ids[:1] != [self.bos]:
            ids.insert(0, self.bos)
        return ids

    def frame(self, text: str) -> Framed:
        """A text with what this tokenizer puts around one, such as [CLS] and [SEP].

        Args:
            text: in NFC; special tokens written in it are text.

        Raises:
            BadPrompt: if the text holds a lone surrogate.
            MissingExtra: if it runs by a table, which holds no such frame.
        """
        check_text(text)
        return self._backend.frame(text)

    def count(self, text: str) -> int:
        """How many tokens a text takes, without `bos`."""
        return len(self.encode(text))

    def token_bytes(self, token: int) -> bytes:
        """The bytes a token stands for; none for special tokens and ids without a token.

        Raises:
            OptionError: for a negative id.
        """
        known = self._bytes.get(token)
        if known is None:
            known = self._bytes[token] = self.spell(token)
        return known

    def spell(self, token: int) -> bytes:
        """As `token_bytes`, but not remembered: for one look at a whole vocabulary."""
        if token < 0:
            raise OptionError(
                say(f"There is no token {token}.", f"{token}번 토큰은 없습니다."),
                say("Ids begin at 0.", "번호는 0부터입니다."),
            )
        text = self._backend.text_of(token)
        if text is None or self._backend.is_special(token):
            return b""
        if self._spelling.byte_level:
            return byte_level(text) if token not in self._added else text.encode("utf-8")
        if self._spelling.byte_fallback and _BYTE.fullmatch(text):
            return bytes.fromhex(text[3:5])
        continues = self._spelling.continues
        if continues is not None:
            inside = text.startswith(continues)
            return (text.removeprefix(continues) if inside else f" {text}").encode("utf-8")
        return text.replace(SPACE, " ").encode("utf-8")

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; bytes that are no UTF-8, or half a character, are left out."""
        text = b"".join(map(self.token_bytes, ids)).decode("utf-8", "ignore")
        return text.removeprefix(" ") if self.strips_space else text

    def _encode_segment(self, segment: Segment, normalise: bool) -> list[int]:
        if segment.special:
            number = self.special_tokens.get(segment.text)
            if number is None:
                raise BadPrompt(
                    say(
                        f"The prompt holds the special token {segment.text!r}.",
                        f"프롬프트에 특수 토큰 {segment.text!r}이(가) 있습니다.",
                    ),
                    say("This tokenizer does not know it.", "이 토크나이저는 그것을 모릅니다."),
                    say(
                        "Render the prompt with this tokenizer's own special tokens.",
                        "이 토크나이저의 특수 토큰으로 프롬프트를 만드세요.",
                    ),
                )
            return [number]
        text = unicodedata.normalize("NFC", segment.text) if normalise else segment.text
        return self._backend.encode(text)

    @cached_property
    def _specials(self) -> Specials:
        return Specials(self.special_tokens)

    @cached_property
    def _added(self) -> frozenset[int]:
        return self._backend.added()
