"""The `tokenizer.json` text itself, laid out so that the `tokenizers` library loads it quickly."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ondol_converters.sources import Json

Merges = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class AddedToken:
    """A token that is cut out of the text before anything else; special ones are not text."""

    id: int
    content: str
    special: bool


def tokenizer_json(
    vocabulary: Mapping[str, int],
    merges: Merges,
    added: Sequence[AddedToken],
    *,
    normalizer: Json,
    pre_tokenizer: Json,
    decoder: Json,
    unknown: str | None,
    byte_fallback: bool,
    whole_words: bool,
) -> str:
    """A BPE `tokenizer.json` as compact text; arguments are the parts of the format."""
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [_added(token) for token in added],
            "normalizer": normalizer,
            "pre_tokenizer": pre_tokenizer,
            "post_processor": None,
            "decoder": decoder,
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": unknown,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": True,
                "byte_fallback": byte_fallback,
                "ignore_merges": whole_words,
                # The library keeps the keys in a sorted tree: sorted input loads a sixth faster.
                "vocab": dict(sorted(vocabulary.items())),
                "merges": compact(merges),
            },
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _added(token: AddedToken) -> Json:
    return {
        "id": token.id,
        "content": token.content,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": token.special,
    }


def compact(merges: Merges) -> list[str] | list[list[str]]:
    """Merges as "a b" where that is unambiguous: they load faster and in less memory than pairs."""
    lines = [f"{left} {right}" for left, right in merges]
    # The library drops lines that begin like the header of a merges.txt.
    if any(line.count(" ") != 1 or line.startswith("#version") for line in lines):
        return [list(pair) for pair in merges]
    return lines
