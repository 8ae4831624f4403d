"""The commands, put together: global options, help, and what every exit code means."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from ondol import __version__
from ondol.cli import assistant
from ondol.cli.ask import ask
from ondol.cli.bench import bench
from ondol.cli.chat import chat
from ondol.cli.compile import compile
from ondol.cli.convert import convert
from ondol.cli.devices import devices
from ondol.cli.diff import DIFFERENT, diff
from ondol.cli.embed import embed
from ondol.cli.evaluate import evaluate
from ondol.cli.failures import INTERRUPTED, READER_GONE, finish, usage_error
from ondol.cli.families import families
from ondol.cli.fit import fit
from ondol.cli.hangul import hangul
from ondol.cli.ingest import ingest
from ondol.cli.inspect import inspect
from ondol.cli.keygen import keygen
from ondol.cli.line import Line
from ondol.cli.lint import lint
from ondol.cli.mask import mask
from ondol.cli.models import models
from ondol.cli.pack import pack, unpack
from ondol.cli.place import place
from ondol.cli.policy import policy
from ondol.cli.pull import pull
from ondol.cli.serve import serve
from ondol.cli.sign import sign
from ondol.cli.simulate import simulate
from ondol.cli.sweep import sweep
from ondol.cli.trust import trust
from ondol.cli.verify import verify
from ondol.errors import OptionError
from ondol.language import korean, say

NAME = "ondol"

EXIT_CODES = (
    ("0", say("done", "정상")),
    ("1", say("something that was not expected", "예상하지 못한 일")),
    ("2", say("an option or argument that cannot be meant", "잘못된 옵션이나 인수")),
    ("3", say("a model to convert is not one, or is broken", "변환할 모델이 아니거나 손상됨")),
    ("4", say("a bundle is missing or broken", "번들이 없거나 손상됨")),
    ("5", say("a device cannot be used", "장치를 쓸 수 없음")),
    ("6", say("a prompt or a reply that cannot go on", "질문이나 답을 이어 갈 수 없음")),
    ("7", say("the disk refused; nothing old is harmed", "디스크에 쓸 수 없음(전의 것은 그대로)")),
    ("8", say("an optional part is not installed", "선택 구성 요소가 설치되어 있지 않음")),
    ("9", say("a model could not be fetched", "모델을 받아 오지 못함")),
    ("10", say("a sweep did not do everything", "스윕의 일부를 하지 못함")),
    (str(DIFFERENT), say("the two bundles differ", "두 번들이 서로 다름")),
    ("12", say("a document could not be read", "읽지 못한 문서가 있음")),
    ("13", say("a library cannot be used", "문서고를 쓸 수 없음")),
    (str(assistant.UNMET), say("an answer is not as it has to be", "예제 질문의 답이 기대와 다름")),
    (str(INTERRUPTED), say("interrupted with Ctrl-C", "Ctrl-C로 중단")),
    (str(READER_GONE), say("the reader of the output is gone", "출력을 읽던 쪽이 닫힘")),
)

COMMANDS: tuple[tuple[Callable[..., None], str], ...] = (
    (chat, say("Chat with a model, offline.", "모델과 대화합니다. 오프라인입니다.")),
    (
        serve,
        say(
            "Serve a model to programs on this machine.", "이 기기의 프로그램에 모델을 제공합니다."
        ),
    ),
    (ask, say("Answer a question from documents.", "문서를 근거로 질문에 답합니다.")),
    (ingest, say("Put documents into a library.", "문서를 문서고에 넣습니다.")),
    (convert, say("Convert a model into a bundle.", "모델을 번들로 변환합니다.")),
    (compile, say("Compile a bundle for chips.", "번들을 칩에 맞게 컴파일합니다.")),
    (sweep, say("Convert models × recipes × targets.", "모델 × 레시피 × 대상을 변환합니다.")),
    (pull, say("Fetch a model from a hub, if you agree.", "동의하면 허브에서 모델을 받아 옵니다.")),
    (families, say("List what can be converted.", "변환할 수 있는 모델 구조를 나열합니다.")),
    (models, say("List bundles and starter models.", "번들과 기본 모델을 나열합니다.")),
    (devices, say("List devices: what can run a model here.", "쓸 수 있는 장치를 나열합니다.")),
    (inspect, say("Show everything about a bundle.", "번들의 모든 정보를 보여 줍니다.")),
    (place, say("Show which node runs where, and why.", "노드마다 어디서 왜 실행되는지 봅니다.")),
    (
        lint,
        say("Check what a target can take of a bundle.", "대상이 번들을 실행할 수 있는지 봅니다."),
    ),
    (fit, say("Show what memory a bundle takes here.", "번들이 쓸 메모리를 보여 줍니다.")),
    (diff, say("Compare two bundles.", "두 번들을 비교합니다.")),
    (verify, say("Check that a bundle is what was packed.", "번들이 온전한지 검사합니다.")),
    (sign, say("Sign a bundle with your key.", "번들에 내 키로 서명합니다.")),
    (keygen, say("Make a key to sign with.", "서명할 키를 만듭니다.")),
    (trust, say("List, add or remove trusted keys.", "믿는 키를 보고, 더하고, 뺍니다.")),
    (policy, say("Show what this machine allows.", "이 기기에서 허용되는 것을 보여 줍니다.")),
    (pack, say("Write a bundle as one .ondol file.", "번들을 .ondol 파일 하나로 묶습니다.")),
    (unpack, say("Write a bundle as a folder again.", "번들을 다시 폴더로 풉니다.")),
    (embed, say("Write a folder for a device.", "기기에 넣을 폴더를 만듭니다.")),
    (mask, say("Mask personal data in a text.", "글에서 개인정보를 가립니다.")),
    (evaluate, say("Measure how good a bundle is.", "번들의 품질을 잽니다.")),
    (bench, say("Measure how fast a bundle runs here.", "번들이 얼마나 빠른지 잽니다.")),
    (hangul, say("Particles, numbers, levels of Korean.", "조사, 수 읽기, 말투를 다룹니다.")),
    (simulate, say("Simulate processing in memory.", "메모리 내 연산을 모의합니다.")),
)


GROUPS: tuple[tuple[str, tuple[tuple[str, Callable[..., None], str], ...], str], ...] = (
    (
        "assistant",
        assistant.COMMANDS,
        say("Assistants as data: make, list, run, check.", "데이터로 된 어시스턴트를 다룹니다."),
    ),
)
"""Commands that have commands of their own."""


class _Command(TyperCommand):
    """A command whose --help is in the user's language too."""

    def get_help_option(self, ctx: Any) -> Any:
        return _helped(super().get_help_option(ctx))


class _Group(TyperGroup):
    """The commands, with --help in the user's language too."""

    def get_help_option(self, ctx: Any) -> Any:
        return _helped(super().get_help_option(ctx))


def _helped(option: Any) -> Any:
    if option is not None:
        option.help = say("Show this and end.", "이 도움말을 보여 줍니다.")
    return option


app = typer.Typer(
    cls=_Group,
    add_completion=False,
    help=say(
        "Ondol: small Korean models on this device. Nothing leaves it.",
        "온돌: 이 기기에서 돌아가는 작은 한국어 모델. 아무것도 밖으로 나가지 않습니다.",
    ),
    epilog=say("Exit codes: ", "종료 코드: ")
    + " · ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES),
)

for _command, _help in COMMANDS:
    app.command(cls=_Command, help=_help)(_command)
for _name, _commands, _help in GROUPS:
    _group = typer.Typer(cls=_Group, no_args_is_help=True)
    for _inner, _command, _about in _commands:
        _group.command(_inner, cls=_Command, help=_about)(_command)
    app.add_typer(_group, name=_name, help=_help)


@app.callback(invoke_without_command=True)
def _root(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help=say("Show the version.", "버전을 보여 줍니다."))
    ] = False,
    debug: Annotated[
        bool,
        typer.Option(
            "--debug",
            help=say(
                "Show where an error came from; anywhere in the line.",
                "오류가 난 곳까지 보여 줍니다. 어디에 써도 됩니다.",
            ),
        ),
    ] = False,
    lang: Annotated[
        str | None,
        typer.Option(
            "--lang",
            metavar="ko|en",
            show_default=False,
            help=say(
                "The language of messages; anywhere in the line.",
                "안내문의 언어. 어디에 써도 됩니다.",
            ),
        ),
    ] = None,
) -> None:
    if lang not in (None, "ko", "en"):
        raise OptionError(
            say(f"There is no language {lang!r}.", f"{lang!r} 언어는 없습니다."),
            "",
            "--lang ko, --lang en",
        )
    if version:
        print(f"{NAME} {__version__}")
    elif ctx.invoked_subcommand is None:
        print(ctx.get_help())


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the exit code. Every error has been said when it returns."""
    line = Line.read(arguments)
    if korean() and "--help" in line.arguments:
        _korean_titles()
    try:
        code = _run(line)
        sys.stdout.flush()
        return code
    except (BrokenPipeError, SystemExit):  # typer turns the first into the second
        return _reader_gone()


def _run(line: Line) -> int:
    try:
        made = typer.main.get_command(app).main(
            list(line.arguments), prog_name=NAME, standalone_mode=False
        )
        return made if isinstance(made, int) else 0
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as exc:  # the last place to say it in one line instead of a traceback
        if isinstance(exc, typer.BadParameter.__bases__):
            exc = _usage(exc)
        return finish(exc, as_json=line.json, debug=line.debug)


def _usage(exc: Any) -> OptionError:
    """What typer says of arguments that make no sense; it has no public name for the class."""
    return usage_error(exc.format_message(), exc.ctx.command_path if exc.ctx else NAME)


def _reader_gone() -> int:
    """Let Python's last flush go nowhere, since nobody reads any more."""
    if sys.__stdout__ is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())
    return READER_GONE


def _korean_titles() -> None:
    """Typer has no Korean titles for its panels; these are what it reads when it prints help."""
    from typer import rich_utils

    for title, text in (
        ("ARGUMENTS_PANEL_TITLE", "인수"),
        ("OPTIONS_PANEL_TITLE", "옵션"),
        ("COMMANDS_PANEL_TITLE", "명령"),
    ):
        if hasattr(rich_utils, title):
            setattr(rich_utils, title, text)
