"""A `tokenizer.json` in the hands of the `tokenizers` library."""

import json
import re
from collections.abc import Mapping
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ondol.framed import Framed
from ondol.language import say
from ondol.tokenizing.backend import Backend, corrupt, spelling_of

if TYPE_CHECKING:
    import tokenizers

_PREFIXED = re.compile(rb'"continuing_subword_prefix"\s*:\s*"[^"]')
_MERGES = re.compile(rb'"merges"\s*:\s*\[')


def installed() -> bool:
    """Whether the library is there; it is not imported."""
    return find_spec("tokenizers") is not None


class LibraryBackend(Backend):
    """The text of a `tokenizer.json`, loaded by the library.

    Raises:
        CorruptBundle: if the library cannot load it.
    """

    name = "tokenizers"

    def __init__(self, data: bytes) -> None:
        self._model = _load(data)
        # Other people's files may ask to cut or pad what is encoded.
        self._model.no_truncation()
        self._model.no_padding()
        self._model.encode_special_tokens = True
        self.spelling = spelling_of(_steps(self._model.decoder))

    @property
    def size(self) -> int:
        """How many tokens there are."""
        return self._model.get_vocab_size(with_added_tokens=True)

    def encode(self, text: str) -> list[int]:
        """The ids of a text."""
        return self._model.encode(text, add_special_tokens=False).ids

    def frame(self, text: str) -> Framed:
        """A text with what the tokenizer puts around one."""
        found = self._model.encode(text, add_special_tokens=True)
        frame = found.special_tokens_mask
        inside = [at for at, special in enumerate(frame) if not special]
        before = inside[0] if inside else len(frame)
        after = len(frame) - 1 - inside[-1] if inside else 0
        return Framed(tuple(found.ids), tuple(found.offsets), before, after)

    def text_of(self, token: int) -> str | None:
        """A token as the vocabulary writes it."""
        return self._model.id_to_token(token)

    def specials(self) -> Mapping[str, int]:
        """Special tokens by their text."""
        added = self._model.get_added_tokens_decoder()
        return {token.content: number for number, token in added.items() if token.special}

    @cached_property
    def _specials(self) -> frozenset[int]:
        return frozenset(self.specials().values())

    def is_special(self, token: int) -> bool:
        """Whether an id is that of a special token."""
        return token in self._specials

    def added(self) -> frozenset[int]:
        """Ids of added tokens."""
        return frozenset(self._model.get_added_tokens_decoder())

    def vocabulary(self) -> Mapping[str, int]:
        """Every token's id by its text."""
        return self._model.get_vocab(with_added_tokens=True)


def _load(data: bytes) -> "tokenizers.Tokenizer":
    import tokenizers

    # The library aborts the whole process on a BPE model whose merges lack this prefix.
    if _MERGES.search(data) and _PREFIXED.search(data):
        raise corrupt(
            "tokenizer.json",
            say(
                "It is a BPE model with a continuing_subword_prefix.",
                "continuing_subword_prefix가 있는 BPE 모델입니다.",
            ),
        )
    try:
        return tokenizers.Tokenizer.from_buffer(data)
    except ValueError as exc:
        raise corrupt("tokenizer.json", str(exc)) from exc
    except BaseException as exc:
        # A panic in the library is no Exception, and its class cannot be imported.
        if type(exc).__name__ != "PanicException":
            raise
        raise corrupt("tokenizer.json", str(exc)) from exc


def _steps(decoder: object) -> list[dict[str, Any]]:
    """A decoder's steps as the file wrote them; a file without one has none."""
    if decoder is None:
        return []
    state = decoder.__getstate__()
    whole = json.loads(state) if isinstance(state, bytes) else {}
    return list(whole.get("decoders", [whole]))
