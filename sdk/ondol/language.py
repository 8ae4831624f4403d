"""Which language messages are in: Korean where the locale says so, English elsewhere."""

import os

LANGUAGE_VARIABLES = ("ONDOL_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


def korean() -> bool:
    """Whether messages are Korean: the first of `LANGUAGE_VARIABLES` that is set decides."""
    for name in LANGUAGE_VARIABLES:
        value = os.environ.get(name)
        if value:
            return value.lower().startswith("ko")
    return False


def say(en: str, ko: str) -> str:
    """The one of two texts that fits the locale. Both stand side by side where they are used."""
    return ko if korean() else en
