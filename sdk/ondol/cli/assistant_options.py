"""Options that commands of `ondol assistant` share."""

from typing import Annotated

import typer

from ondol.language import say

PackName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help=say("A pack's folder, or its name: ondol assistant list", "묶음의 폴더나 이름."),
    ),
]
Words = Annotated[
    bool,
    typer.Option(
        "--words",
        help=say(
            "Search the documents by words alone, without an encoder.",
            "인코더 없이 낱말로만 문서를 찾습니다.",
        ),
    ),
]
Generate = Annotated[
    bool,
    typer.Option(
        "--generate",
        help=say(
            "Let a model word an answer beside the quotation.",
            "인용한 문장 옆에 모델이 쓴 답도 보여 줍니다.",
        ),
    ),
]
PackModel = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        show_default=False,
        help=say(
            "That model, instead of the one the pack was written for (with --generate).",
            "묶음이 바라는 모델 대신 쓸 모델(--generate와 함께).",
        ),
    ),
]
