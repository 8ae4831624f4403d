"""What `ondol ingest` and `ondol ask` share: which library, and which encoder opens it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ondol.language import say

if TYPE_CHECKING:
    from ondol.retrieval.library import Library

LibraryFile = Annotated[
    Path,
    typer.Option(
        "--library",
        metavar="FILE",
        help=say("The library: one file.", "문서고. 파일 하나입니다."),
    ),
]

EncoderName = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        metavar="BUNDLE",
        show_default="multilingual-e5-small",
        help=say(
            'What makes vectors; "none": words alone.',
            '벡터를 만드는 모델. "none"이면 낱말로만 찾습니다.',
        ),
    ),
]

NONE = "none"


def opened(path: Path, encoder: str | None, *, create: bool) -> "Library":
    """A library; a starter encoder that was never converted is converted first, with a bar.

    Raises:
        BundleError, MissingExtra: if there is no such encoder.
        LibraryError, StorageError: if the library cannot be opened.
    """
    from ondol.cli.making import bundle_for
    from ondol.retrieval.library import ENCODER, Library

    if not create and not path.exists():
        Library.open(path, encoder=None, create=False)  # says so before an encoder is made
    bundle = None if encoder == NONE else bundle_for(encoder or ENCODER)
    return Library.open(path, encoder=bundle, create=create)
