"""`ondol assistant`: packs of prompt, documents, glossary and rules, made, listed, run, checked."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ondol.cli.assistant_options import Generate, PackModel, PackName, Words
from ondol.cli.options import Json
from ondol.cli.output import closing, note, progress, safe, show_json, show_table, terminal
from ondol.language import say

if TYPE_CHECKING:
    from ondol.packs.answering import PackAnswer, PackAssistant
    from ondol.packs.checking import Checked, Verdict
    from ondol.packs.pack import Pack

UNMET = 14
"""The exit code where a sample question's answer is not as it has to be."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A pack, or why it does not hold; texts are empty then."""

    name: str
    title: str
    summary: str
    documents: int
    terms: int
    samples: int
    folder: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Packs:
    """The packs that a name finds."""

    packs: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer of a pack; `generated` is a model's, "" without one."""

    name: str
    question: str
    text: str
    origin: str
    source: str
    refuses: bool
    notice: str
    generated: str
    mark: str


def new(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help=say("A folder to make.", "새로 만들 폴더."))
    ],
    json: Json = False,
) -> None:
    """Make a pack to begin from."""
    from ondol.packs.making import make_pack

    made = listed(make_pack(folder))
    if json:
        show_json(made)
        return
    closing(made.folder)
    note(f"ondol assistant check {folder}")


def list_packs(json: Json = False) -> None:
    """List packs."""
    from ondol.errors import BadPack
    from ondol.packs.finding import folders, names
    from ondol.packs.pack import Pack

    found = []
    for name, folder in names().items():
        try:
            found.append(listed(Pack.open(folder)))
        except BadPack as exc:
            broken = " ".join((exc.what, exc.why))
            found.append(Listed(name, "", "", 0, 0, 0, str(folder), broken))
    if json:
        show_json(Packs(tuple(found)))
        return
    headers = (
        say("name", "이름"),
        say("title", "제목"),
        say("documents", "문서"),
        say("terms", "용어"),
        say("samples", "예제 질문"),
        say("what for", "쓰임"),
    )
    rows = [
        (each.name, each.title, *map(str, (each.documents, each.terms, each.samples)), each.summary)
        if not each.error
        else (each.name, "", "", "", "", each.error)
        for each in found
    ]
    show_table(headers, rows)
    note(say("Yours go here: ", "내 묶음을 두는 곳: ") + str(folders()[0]))


def run(
    name: PackName,
    question: Annotated[
        str | None,
        typer.Argument(
            metavar="QUESTION",
            show_default=False,
            help=say(
                "Answer this; otherwise each line of input.", "없으면 입력 한 줄마다 답합니다."
            ),
        ),
    ] = None,
    words: Words = False,
    generate: Generate = False,
    model: PackModel = None,
    json: Json = False,
) -> None:
    """Ask a pack."""
    from ondol.errors import OptionError
    from ondol.packs.finding import find_pack

    if json and question is None:
        raise OptionError(
            say("run --json needs a question.", "run --json에는 질문이 필요합니다."),
            "",
            f'ondol assistant run {name} "..." --json',
        )
    pack = find_pack(name)
    with _opened(pack, words, generate, model) as assistant:
        if question is not None:
            _answer(assistant, question, json)
            return
        note(f"{pack.settings.title} · {pack.settings.summary}")
        for line in _questions():
            _answer(assistant, line, False)


def check(
    name: PackName,
    words: Words = False,
    generate: Generate = False,
    model: PackModel = None,
    json: Json = False,
) -> None:
    """Ask a pack's sample questions."""
    from ondol.packs import checking
    from ondol.packs.finding import find_pack

    pack = find_pack(name)
    search = "words" if words else "both"
    with (
        _opened(pack, words, generate, model) as assistant,
        progress(lambda _: say("Asking", "질문하기")) as report,
    ):
        found = checking.check(assistant, search, lambda done, all_: report("ask", done, all_))
    if json:
        show_json(found)
    else:
        _show(found)
    if not found.passed:
        raise typer.Exit(UNMET)


COMMANDS = (
    ("new", new, say("Make a pack to begin from.", "새 어시스턴트 묶음을 만듭니다.")),
    ("list", list_packs, say("List packs.", "어시스턴트 묶음을 나열합니다.")),
    ("run", run, say("Ask a pack.", "묶음에 질문합니다.")),
    (
        "check",
        check,
        say("Ask its sample questions and judge the answers.", "예제 질문으로 답을 검사합니다."),
    ),
)
"""The commands below `ondol assistant`: name, function, help."""


def listed(pack: "Pack") -> Listed:
    """A pack in a line."""
    told = pack.settings
    return Listed(
        pack.name,
        told.title,
        told.summary,
        len(pack.documents),
        len(pack.glossary),
        len(pack.samples),
        str(pack.folder),
    )


@contextmanager
def _opened(
    pack: "Pack", words: bool, generate: bool, model: str | None
) -> "Iterator[PackAssistant]":
    from ondol.assistant import Assistant
    from ondol.cli.making import bundle_for
    from ondol.errors import OptionError
    from ondol.packs.answering import PackAssistant
    from ondol.starter import E5

    if model is not None and not generate:
        raise OptionError(
            say("--model changes nothing alone.", "--model만으로는 아무 효과가 없습니다."),
            say("Quotations need no model.", "인용에는 모델이 필요 없습니다."),
            say("Add --generate.", "--generate를 붙이세요."),
        )
    encoder = None if words else bundle_for(E5.name)
    with ExitStack() as stack:
        speaker = None
        if generate:
            bundle = bundle_for(model or pack.settings.model or None)
            speaker = stack.enter_context(Assistant(bundle))
        yield stack.enter_context(PackAssistant(pack, encoder=encoder, model=speaker))


def _answer(assistant: "PackAssistant", question: str, json: bool) -> None:
    said: PackAnswer = assistant.ask(question)
    if json:
        show_json(_told(assistant.pack.name, question, said))
        return
    print(safe(said.text))
    if said.reply is not None:
        print()
        for piece in said.reply:
            print(safe(piece), end="", flush=True)
        print()
        closing(said.reply.label.brief)
    for line in (said.source, said.notice):
        if line:
            closing(line)


def _told(name: str, question: str, said: "PackAnswer") -> Answered:
    generated = mark = ""
    if said.reply is not None:
        generated = said.reply.read()
        mark = said.reply.label.mark("ko")
    return Answered(
        name,
        question,
        said.text,
        str(said.origin),
        said.source,
        said.refuses,
        said.notice,
        generated,
        mark,
    )


def _questions() -> Iterator[str]:
    """Lines of input that are not empty, with a prompt at a terminal."""
    while True:
        if terminal(sys.stdin) and terminal(sys.stdout):
            try:
                line = input(say("you> ", "나> "))
            except EOFError:
                return
        else:
            line = sys.stdin.readline()
            if not line:
                return
        if line.strip():
            yield line.strip()


def _show(found: "Checked") -> None:
    headers = (say("property", "속성"), say("passed", "통과"), say("asked", "검사"))
    show_table(headers, [(c.property, str(c.passed), str(c.asked)) for c in found.properties])
    for verdict in found.failed:
        _show_failed(verdict)
    note(
        say(
            f"{found.title}: {found.samples} questions, search by {found.search}, "
            f"longest {found.seconds:.2f} s",
            f"{found.title}: 질문 {found.samples}개, 찾기 {found.search}, "
            f"가장 오래 걸린 답 {found.seconds:.2f}초",
        )
    )


def _show_failed(verdict: "Verdict") -> None:
    print()
    print(safe(f"✗ {verdict.ask}"))
    print(safe(f"  {verdict.property}: {verdict.expected}"))
    print(safe("  " + say("was", "실제") + f": {verdict.seen}"))
