"""Text to ids and back, exactly: what a user types never becomes a special token.

Input is NFC-normalised, so that Korean typed as separate jamo (NFD, as macOS file names are)
gives the same ids as composed syllables. Bytes that are no UTF-8 are left out of decoded text.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ondol.errors import BadPrompt, CorruptBundle, OptionError
from ondol.framed import Framed
from ondol.language import say
from ondol.prompt import Prompt, Segment, Specials, check_text

if TYPE_CHECKING:
    import tokenizers

_SPACE = "\u2581"
_PREFIXED = re.compile(rb'"continuing_subword_prefix"\s*:\s*"[^"]')
_MERGES = re.compile(rb'"merges"\s*:\s*\[')


class Tokenizer:
    """A `tokenizer.json`, loaded.

    Args:
        source: the text of a `tokenizer.json`, as str or UTF-8 bytes.
        bos: id that `encode_prompt` puts first; None for none.
        eos: ids that end a reply.

    Raises:
        CorruptBundle: if the `tokenizers` library cannot load it.
    """

    def __init__(
        self, source: str | bytes, *, bos: int | None = None, eos: Sequence[int] = ()
    ) -> None:
        data = source.encode("utf-8") if isinstance(source, str) else source
        self._model = _load(data)
        self.bos = bos
        self.eos = tuple(eos)
        self._bytes: dict[int, bytes] = {}
        # Other people's files may ask to cut or pad what is encoded.
        self._model.no_truncation()
        self._model.no_padding()
        self._model.encode_special_tokens = True
        decoder = _steps(self._model.decoder)
        kinds = {step.get("type") for step in decoder}
        self._byte_level = "ByteLevel" in kinds
        self._byte_fallback = "ByteFallback" in kinds
        self._continues = next(
            (str(step["prefix"]) for step in decoder if step.get("type") == "WordPiece"), None
        )
        self.strips_space = any(
            (step.get("type") == "Strip" and step.get("content") == " " and step.get("start"))
            or (step.get("type") == "Metaspace" and step.get("prepend_scheme") != "never")
            or step.get("type") == "WordPiece"
            for step in decoder
        )

    @classmethod
    def open(cls, path: Path, *, bos: int | None = None, eos: Sequence[int] = ()) -> "Tokenizer":
        """Load a `tokenizer.json` file; arguments and errors as of the class."""
        try:
            data = path.read_bytes()
        except OSError as exc:
            raise _corrupt(path.name, str(exc)) from exc
        return cls(data, bos=bos, eos=eos)

    @property
    def size(self) -> int:
        """How many tokens the vocabulary has."""
        return self._model.get_vocab_size(with_added_tokens=True)

    @cached_property
    def special_tokens(self) -> Mapping[str, int]:
        """Special tokens by their text."""
        added = self._model.get_added_tokens_decoder()
        return {token.content: number for number, token in added.items() if token.special}

    @cached_property
    def vocabulary(self) -> Mapping[str, int]:
        """Every token's id by its text, as the vocabulary writes it; special tokens too."""
        return self._model.get_vocab(with_added_tokens=True)

    @property
    def bos_text(self) -> str:
        """The text of `bos`, as chat templates write it; empty without one."""
        return "" if self.bos is None else self._model.id_to_token(self.bos) or ""

    @property
    def eos_text(self) -> str:
        """The text of the first of `eos`; empty without one."""
        return self._model.id_to_token(self.eos[0]) or "" if self.eos else ""

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

    def encode_prompt(self, prompt: Prompt) -> list[int]:
        """The ids of a prompt: `bos` first unless the template wrote it, special ones as such.

        Raises:
            BadPrompt: if the text holds a lone surrogate, or a special token is not in the
                vocabulary.
        """
        ids: list[int] = []
        for segment in prompt.segments:
            check_text(segment.text)
            ids += self._encode_segment(segment, normalise=True)
        if self.bos is not None and ids[:1] != [self.bos]:
            ids.insert(0, self.bos)
        return ids

    def frame(self, text: str) -> Framed:
        """A text with what this tokenizer puts around one, such as [CLS] and [SEP].

        Args:
            text: in NFC; special tokens written in it are text.

        Raises:
            BadPrompt: if the text holds a lone surrogate.
        """
        check_text(text)
        found = self._model.encode(text, add_special_tokens=True)
        frame = found.special_tokens_mask
        inside = [at for at, special in enumerate(frame) if not special]
        before = inside[0] if inside else len(frame)
        after = len(frame) - 1 - inside[-1] if inside else 0
        return Framed(tuple(found.ids), tuple(found.offsets), before, after)

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
            known = self._bytes[token] = self._spell(token)
        return known

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
        return self._model.encode(text, add_special_tokens=False).ids

    def _spell(self, token: int) -> bytes:
        if token < 0:
            raise OptionError(
                say(f"There is no token {token}.", f"{token}번 토큰은 없습니다."),
                say("Ids begin at 0.", "번호는 0부터입니다."),
            )
        text = self._model.id_to_token(token)
        if text is None or text in self.special_tokens:
            return b""
        if self._byte_level:
            return byte_level(text) if token not in self._added else text.encode("utf-8")
        if self._byte_fallback and len(text) == 6 and text[:3] == "<0x" and text[5] == ">":
            return bytes.fromhex(text[3:5])
        if self._continues is not None:
            inside = text.startswith(self._continues)
            return (text.removeprefix(self._continues) if inside else f" {text}").encode("utf-8")
        return text.replace(_SPACE, " ").encode("utf-8")

    @cached_property
    def _specials(self) -> Specials:
        return Specials(self.special_tokens)

    @cached_property
    def _added(self) -> frozenset[int]:
        return frozenset(self._model.get_added_tokens_decoder())


def _load(data: bytes) -> "tokenizers.Tokenizer":
    import tokenizers

    # The library aborts the whole process on a BPE model whose merges lack this prefix.
    if _MERGES.search(data) and _PREFIXED.search(data):
        raise _corrupt(
            "tokenizer.json",
            say(
                "It is a BPE model with a continuing_subword_prefix.",
                "continuing_subword_prefix가 있는 BPE 모델입니다.",
            ),
        )
    try:
        return tokenizers.Tokenizer.from_buffer(data)
    except ValueError as exc:
        raise _corrupt("tokenizer.json", str(exc)) from exc
    except BaseException as exc:
        # A panic in the library is no Exception, and its class cannot be imported.
        if type(exc).__name__ != "PanicException":
            raise
        raise _corrupt("tokenizer.json", str(exc)) from exc


def _steps(decoder: object) -> list[dict[str, object]]:
    """A decoder's steps as the file wrote them; a file without one has none."""
    if decoder is None:
        return []
    state = decoder.__getstate__()
    whole = json.loads(state) if isinstance(state, bytes) else {}
    return list(whole.get("decoders", [whole]))


def byte_level(text: str) -> bytes:
    """The bytes that a token of a byte-level vocabulary is spelt for (GPT-2's letters)."""
    codes = _byte_codes()
    return b"".join(codes.get(char) or char.encode("utf-8") for char in text)


_CODES: dict[str, bytes] = {}


def _byte_codes() -> dict[str, bytes]:
    """Which byte each character of a byte-level vocabulary stands for (GPT-2's table)."""
    if not _CODES:
        shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
        hidden = [byte for byte in range(256) if byte not in shown]
        _CODES.update({chr(byte): bytes([byte]) for byte in shown})
        _CODES.update({chr(256 + place): bytes([byte]) for place, byte in enumerate(hidden)})
    return _CODES


def _corrupt(name: str, why: str) -> CorruptBundle:
    return CorruptBundle(
        say(f"{name} cannot be loaded.", f"{name} 파일을 불러올 수 없습니다."),
        why,
        say(
            "Check the bundle with `ondol verify`, or convert it again.",
            "`ondol verify`로 번들을 확인하거나 다시 변환하세요.",
        ),
    )
