"""The table of devices in the READMEs; run as a script, it writes it anew."""

import os

from ondol.cli.devices import device_table
from ondol.files import write_whole
from source_tree import ROOT

LANGUAGES = {"README.md": "en", "README.ko.md": "ko"}
BEGIN, END = "<!-- ondol devices --table -->\n", "<!-- end -->\n"


def table(language: str) -> str:
    """The table in a language, as lines."""
    before = os.environ.get("ONDOL_LANG")
    os.environ["ONDOL_LANG"] = language
    try:
        return device_table() + "\n"
    finally:
        if before is None:
            del os.environ["ONDOL_LANG"]
        else:
            os.environ["ONDOL_LANG"] = before


def section(text: str) -> str:
    """What stands between the markers of a README."""
    start = text.index(BEGIN) + len(BEGIN)
    return text[start : text.index(END, start)]


def rewritten(text: str, language: str) -> str:
    """A README with the table as it is now."""
    return text.replace(BEGIN + section(text) + END, BEGIN + table(language) + END)


if __name__ == "__main__":
    for name, language in LANGUAGES.items():
        write_whole(ROOT / name, rewritten((ROOT / name).read_text("utf-8"), language).encode())
