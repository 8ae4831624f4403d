"""What runs a tokenizer: the library to parse a text, or a table where there is one."""

from typing import Literal

from ondol.archive import Place
from ondol.errors import MissingExtra
from ondol.language import say
from ondol.tokenizing import library
from ondol.tokenizing.backend import Backend
from ondol.tokenizing.building import table_bytes
from ondol.tokenizing.library import LibraryBackend
from ondol.tokenizing.mapped import MappedBackend
from ondol.tokenizing.steps import Unmapped
from ondol.tokenizing.table import Table

TOKENIZER = "tokenizer.json"

By = Literal["any", "library", "table"]
"""By what a tokenizer runs: the `tokenizers` library, a table (see `ondol.tokenizing.layout`)
without it, or whichever is at hand."""


def loaded(source: str | bytes, by: By) -> Backend:
    """What runs the text of a `tokenizer.json`.

    Raises:
        CorruptBundle: if it cannot be loaded.
        MissingExtra: if only the library could load it, and it is not installed.
    """
    data = source.encode("utf-8") if isinstance(source, str) else source
    if by == "library" or (by == "any" and library.installed()):
        return LibraryBackend(data)
    try:
        return MappedBackend(Table(memoryview(table_bytes(data)), TOKENIZER))
    except Unmapped as exc:
        raise MissingExtra(
            say(
                "This tokenizer needs the `tokenizers` library.",
                "이 토크나이저에는 `tokenizers` 라이브러리가 필요합니다.",
            ),
            say(f"No table holds it: {exc}.", f"테이블로 만들 수 없습니다: {exc}."),
            "pip install tokenizers",
        ) from exc


def mapped(place: Place, sha256: str) -> Backend:
    """What runs a table, which stays on the disk.

    Args:
        place: where it lies.
        sha256: of the `tokenizer.json` beside it, in hexadecimal.

    Raises:
        CorruptBundle: if it does not hold, or was made from another file.
    """
    table = Table.mapped(place)
    if table.source_sha256 != sha256:
        error = table.corrupt(
            say(
                f"It was made from another {TOKENIZER}.",
                f"다른 {TOKENIZER}에서 만든 파일입니다.",
            )
        )
        del table  # or the error's traceback would keep the file mapped
        raise error
    return MappedBackend(table)
