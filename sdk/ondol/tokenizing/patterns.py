"""The patterns with which byte-level vocabularies cut text into words, by name.

In Oniguruma's syntax, as `tokenizer.json` files write them. Only these are ever compiled from a
table, so no file can bring a pattern that runs for ever. Names are those of the families that
had them first; `-folded` ones are the same as makers' own files write them.
"""

_SUFFIX = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
_FOLDED = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
_SIGNS = r" ?[^\s\p{L}\p{N}]+[\r\n]*|"
_WORDS = r"|[^\r\n\p{L}\p{N}]?\p{L}+|"
_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_CASED = rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+%s|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*%s"
_AFTER_CASED = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|" + _SPACES

PATTERNS: dict[str, str] = {
    "number": r"\p{N}",
    "numbers": r"\p{N}+",
    "number-1-3": r"\p{N}{1,3}",
    "digits-3": "[0-9][0-9][0-9]",
    "signs": r"[\p{P}\$\+<=>\^~\|]+",
    "han-kana": "[一-龥\u3040-ゟ゠-ヿ]+",
    "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "llama3": _SUFFIX + _WORDS + r"\p{N}{1,3}|" + _SIGNS + _SPACES,
    "llama3-folded": _FOLDED + _WORDS + r"\p{N}{1,3}|" + _SIGNS + _SPACES,
    "qwen2": _SUFFIX + _WORDS + r"\p{N}|" + _SIGNS + _SPACES,
    "qwen2-folded": _FOLDED + _WORDS + r"\p{N}|" + _SIGNS + _SPACES,
    "qwen35": _SUFFIX
    + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|"
    + _SPACES,
    "gpt4o": _CASED.replace("%s", _SUFFIX + "?") + r"|\p{N}{1,3}|" + _AFTER_CASED,
    "gpt4o-folded": _CASED.replace("%s", _FOLDED + "?") + r"|\p{N}{1,3}|" + _AFTER_CASED,
    "tekken": _CASED.replace("%s", "") + r"|\p{N}|" + _AFTER_CASED,
    "deepseek3": (
        r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"
        r"|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|" + _SPACES
    ),
    "exaone-moe": (
        _SUFFIX
        + r"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}"
        + r"| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"
    ),
}


def name_of(pattern: str) -> str | None:
    """The name of a pattern; None if it is none of ours."""
    return next((name for name, known in PATTERNS.items() if known == pattern), None)
