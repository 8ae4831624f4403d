"""A `tokenizer.json` with fewer tokens: ids, merges and everything that names an id."""

import json
from collections.abc import Mapping
from typing import Any

from ondol_converters.sources import Json
from ondol_converters.tokenizers.jsonfile import compact
from ondol_converters.vocabulary.pieces import Pieces


def rewritten(pieces: Pieces, new: Mapping[int, int]) -> str:
    """The `tokenizer.json` of some of the tokens.

    Args:
        new: new ids by old; tokens that are not there are left out, and merges with them.
    """
    whole: dict[str, Any] = dict(pieces.whole)
    model = dict(whole["model"])
    if pieces.kind == "Unigram":
        model["vocab"] = [pair for number, pair in enumerate(model["vocab"]) if number in new]
    else:
        vocabulary = {text: new[old] for text, old in model["vocab"].items() if old in new}
        # The library keeps the keys in a sorted tree: sorted input loads a sixth faster.
        model["vocab"] = dict(sorted(vocabulary.items()))
    if pieces.kind == "BPE":
        kept = {pieces.tokens[old] for old in new}
        model["merges"] = compact(
            [
                (left, right)
                for left, right in pieces.merges
                if left in kept and right in kept and left + right[len(pieces.prefix) :] in kept
            ]
        )
    if isinstance(model.get("unk_id"), int):
        model["unk_id"] = new[model["unk_id"]]
    whole["model"] = model
    whole["added_tokens"] = [
        {**token, "id": new[token["id"]]}
        for token in whole.get("added_tokens") or ()
        if token["id"] in new
    ]
    whole["post_processor"] = _processor(whole.get("post_processor"), new)
    if isinstance(whole.get("padding"), dict) and whole["padding"].get("pad_id") in new:
        whole["padding"] = {**whole["padding"], "pad_id": new[whole["padding"]["pad_id"]]}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


def _processor(step: Json, new: Mapping[int, int]) -> Json:
    """What puts special tokens around a text, with new ids."""
    if not isinstance(step, dict):
        return step
    made: dict[str, Json] = dict(step)
    inner = step.get("processors")
    if isinstance(inner, list):
        made["processors"] = [_processor(one, new) for one in inner]
    for name in ("sep", "cls"):  # of BERT and RoBERTa: a text and its id
        pair = step.get(name)
        if isinstance(pair, list):
            made[name] = [pair[0], new[pair[1]]]
    special = step.get("special_tokens")
    if isinstance(special, dict):  # of templates: a name and what it stands for
        made["special_tokens"] = {
            name: {**one, "ids": [new[number] for number in one["ids"]]}
            for name, one in special.items()
        }
    return made
