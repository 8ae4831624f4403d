"""The option `--memory`, which several commands share."""

from typing import Annotated

import typer

from ondol.language import say

Memory = Annotated[
    str | None,
    typer.Option(
        "--memory",
        metavar="SIZE",
        show_default=False,
        help=say(
            "The most memory to take, such as 300MB; otherwise what the system allows.",
            "쓸 메모리의 한도(예: 300MB). 정하지 않으면 시스템이 허락하는 만큼.",
        ),
    ),
]


def memory_bytes(text: str | None) -> int | None:
    """Bytes of a `--memory`; None where nothing was said.

    Raises:
        OptionError: if it is no size.
    """
    from ondol.fitting import size

    return None if text is None else size(text)
