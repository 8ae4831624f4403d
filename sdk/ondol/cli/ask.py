"""`ondol ask`: a question to a library; the answering sentence word for word, and its source."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ondol.cli.choosing import chosen
from ondol.cli.documents import EncoderName, LibraryFile, opened
from ondol.cli.options import Device, Json
from ondol.cli.output import closing, note, safe, show_json, terminal, waiting
from ondol.language import say

if TYPE_CHECKING:
    from ondol.engine import Engine
    from ondol.label import Label
    from ondol.retrieval.answering import Answer
    from ondol.retrieval.passage import Passage

Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        show_default=False,
        help=say(
            "What words an answer beside the quotation; otherwise the default starter.",
            "인용 옆에 답을 쓰는 모델. 없으면 기본 모델.",
        ),
    ),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer: `quote` word for word from the first passage; `generated` by `model`, if any."""

    question: str
    found: bool
    text: str
    quote: str
    source: str
    confidence: float
    passages: "tuple[Passage, ...]"
    generated: str
    model: str
    label: "Label | None"


def ask(
    question: Annotated[str, typer.Argument(help=say("The question.", "질문."))],
    library: LibraryFile,
    model: Model = None,
    device: Device = None,
    encoder: EncoderName = None,
    extractive: Annotated[
        bool,
        typer.Option(
            "--extractive",
            help=say("Quote only: no model writes.", "인용만 합니다. 모델이 쓰지 않습니다."),
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Answer from documents."""
    from ondol.retrieval.answering import quoted, worded

    with opened(library, encoder, create=False) as held:
        found = quoted(question, held)
    if not json:
        _show(found)
    if found.found and not extractive:
        with _engine(model, device) as engine:
            found = worded(found, engine)
            if not json:
                _stream(found)
            _ = found.reply.read() if found.reply else ""
            name = engine.bundle.name
    else:
        name = ""
    if json:
        reply = found.reply
        show_json(
            Asked(
                found.question,
                found.found,
                found.text,
                found.quote,
                found.source,
                found.confidence,
                found.passages,
                reply.text if reply else "",
                name,
                reply.label if reply else None,
            )
        )


@contextmanager
def _engine(model: str | None, device: str | None) -> "Iterator[Engine]":
    from ondol.cli.making import bundle_for
    from ondol.engine import Engine

    bundle = bundle_for(model)
    device = chosen(bundle, device)
    with waiting(say(f"Opening {bundle.name}…", f"{bundle.name} 여는 중…")):
        engine = Engine.open(bundle, device=device)
    with engine:
        yield engine


def _show(found: "Answer") -> None:
    """The quotation and its source; where nothing was found, what is nearest."""
    print(safe(f"“{found.quote}”" if found.found else found.text))
    if found.found:
        closing(found.source)
    for passage in found.passages[1:3] if found.found else found.passages[:2]:
        note(say("see also: ", "함께 보기: ") + passage.source)


def _stream(found: "Answer") -> None:
    """A model's answer, piece by piece, and that a model wrote it."""
    if found.reply is None:
        return
    print()
    shown = safe if terminal(sys.stdout) else str
    for piece in found.reply:
        sys.stdout.write(shown(piece))
        sys.stdout.flush()
    print(flush=True)
    closing(say("Written by AI from: ", "AI가 쓴 답. 근거: ") + found.source)
