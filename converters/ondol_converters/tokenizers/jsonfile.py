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
            "added_tokens": [added_json(token) for token in added],
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


def added_json(token: AddedToken) -> Json:
    """An added token as the file writes it: found as it stands, in words and beside spaces."""
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


def surrounded(
    begin: str | None, end: str | None, ids: Mapping[str, int], *, doubled: bool = False
) -> Json:
    """The post-processor that puts special tokens around a text, or around each of a pair.

    None where neither is given. The second text's type ids are 1, as BERT has them (arXiv
    1810.04805); with `doubled` they are 0 and the end stands twice between, as in RoBERTa.
    """
    given = [token for token in (begin, end) if token is not None]
    if not given:
        return None
    first: list[Json] = [{"Sequence": {"id": "A", "type_id": 0}}]
    second: list[Json] = [{"Sequence": {"id": "B", "type_id": 0 if doubled else 1}}]
    if begin is not None:
        first.insert(0, {"SpecialToken": {"id": begin, "type_id": 0}})
    if end is not None:
        first.append({"SpecialToken": {"id": end, "type_id": 0}})
        second.append({"SpecialToken": {"id": end, "type_id": 0 if doubled else 1}})
        if doubled:
            second.insert(0, {"SpecialToken": {"id": end, "type_id": 0}})
    return {
        "type": "TemplateProcessing",
        "single": first,
        "pair": [*first, *second],
        "special_tokens": {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in given},
    }
