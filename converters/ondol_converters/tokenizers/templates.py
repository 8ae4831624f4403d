"""Chat templates, told what the special tokens are called that they write themselves."""

import json
import re
from collections.abc import Mapping

NAMES = (
    "bos_token",
    "eos_token",
    "unk_token",
    "pad_token",
    "sep_token",
    "cls_token",
    "mask_token",
)
"""The names under which transformers gives a template the tokenizer's special tokens."""


def naming(template: str | None, tokens: Mapping[str, str | None]) -> str | None:
    """A template that finds these tokens by their names, though nobody gives them to it.

    A bundle knows the token that begins a prompt and those that end a reply. A template may
    write others: a `bos_token` that the tokenizer does not add by itself, a `pad_token`.

    Args:
        template: Jinja2 text.
        tokens: texts by the names of `NAMES`; of those that the template uses, each is set.
    """
    if template is None:
        return None
    lines = [
        f"{{% set {name} = {json.dumps(text, ensure_ascii=False)} %}}"
        for name in NAMES
        if (text := tokens.get(name)) and re.search(rf"\b{name}\b", template)
    ]
    # A line's end right after a block would be taken for the block's own.
    guard = "\n" if lines and template.startswith("\n") else ""
    return "".join(lines) + guard + template
