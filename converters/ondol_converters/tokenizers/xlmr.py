"""XLM-R's vocabulary, given as pieces and scores, to the `tokenizer.json` that XLM-R itself has."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ondol_converters.sources import Json
from ondol_converters.tokenizers.charsmap import charsmap
from ondol_converters.tokenizers.jsonfile import AddedToken, added_json, surrounded
from ondol_converters.tokenizers.spm import SPACE
from ondol_converters.tokenizers.unigram import hiding

MASK = "<mask>"


@dataclass(frozen=True, slots=True)
class Words:
    """A vocabulary: pieces by id with natural logarithms of their probability.

    `bos` and `eos` go around a text; `normal` says what characters become before all else.
    """

    pieces: Sequence[str]
    scores: Sequence[float]
    bos: int
    eos: int
    pad: int
    unk: int
    normal: Mapping[str, str]

    @property
    def control(self) -> tuple[int, ...]:
        """Ids that stand for no text."""
        masks = [i for i, piece in enumerate(self.pieces) if piece == MASK]
        return tuple(sorted({self.bos, self.eos, self.pad, self.unk, *masks}))


def xlmr_json(words: Words) -> str:
    """The `tokenizer.json` of a vocabulary, as XLM-R's own: the same ids of any text in NFC.

    But where a text spells a control token, which XLM-R would take for one, it stays text.

    Raises:
        ValueError: if a rule of normalisation cannot be one.
    """
    ids = {words.pieces[i]: i for i in words.control}
    first, last = words.pieces[words.bos], words.pieces[words.eos]
    metaspace: Json = {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "always"}
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [
                added_json(AddedToken(i, words.pieces[i], True)) for i in words.control
            ],
            "normalizer": {
                "type": "Sequence",
                "normalizers": [
                    {
                        "type": "Precompiled",
                        "precompiled_charsmap": base64.b64encode(charsmap(words.normal)).decode(),
                    },
                    {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
                ],
            },
            "pre_tokenizer": {
                "type": "Sequence",
                "pretokenizers": [metaspace, hiding(words.pieces[i] for i in words.control)],
            },
            "post_processor": surrounded(first, last, ids, doubled=True),
            "decoder": metaspace,
            "model": {
                "type": "Unigram",
                "unk_id": words.unk,
                "vocab": [list(pair) for pair in zip(words.pieces, words.scores, strict=True)],
                "byte_fallback": False,
            },
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
