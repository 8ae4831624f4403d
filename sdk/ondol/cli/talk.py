"""A conversation in a terminal or a pipe: reading messages, streaming answers, Ctrl-C.

An answer and the dim line that ends it go to stdout; all else that is said goes to stderr where
stdout is a file or a pipe. Whoever wants the answer alone takes `--json`.
"""

import contextlib
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from ondol.cli.facts import megabytes
from ondol.cli.failures import show
from ondol.cli.output import closing, note, safe, terminal, waiting
from ondol.errors import ContextFull, GenerationError
from ondol.label import Label
from ondol.language import say
from ondol.memory import resident_bytes
from ondol.reply import Finish, Limits, Reply, Stats
from ondol.session import Conversation

HELP = ("/help", "/도움말")
NEW = ("/new", "/새로")
QUIT = ("/quit", "/끝")


@dataclass(frozen=True, slots=True)
class Rates:
    """Tokens and characters per second; 0 where nothing was timed."""

    prefill_tokens: float
    decode_tokens: float
    characters: float


@dataclass(frozen=True, slots=True)
class Said:
    """An answer and what it cost. Memory is this process' resident bytes, 0 where unknown."""

    text: str
    finish: Finish
    stats: Stats
    rates: Rates
    model: str
    device: str
    memory_bytes: int
    offline: bool
    licence: str
    label: Label

    def line(self) -> str:
        """The dim line after an answer."""
        rates = self.rates
        parts = [
            self.label.brief,
            self.model,
            self.device,
            say(f"{rates.decode_tokens:.1f} tokens/s", f"{rates.decode_tokens:.1f} 토큰/초"),
            say(f"{rates.characters:.1f} characters/s", f"{rates.characters:.1f} 글자/초"),
        ]
        if self.memory_bytes:
            size = megabytes(self.memory_bytes)
            parts.append(say(f"memory {size}", f"메모리 {size}"))
        return " · ".join((*parts, say("offline", "오프라인")))


class Talk:
    """One conversation with its limits."""

    def __init__(self, conversation: Conversation, limits: Limits) -> None:
        self._conversation = conversation
        self._limits = limits

    def answer(self, text: str, *, quiet: bool = False) -> Said:
        """Answer a message on stdout, piece by piece; quiet: say nothing.

        Raises:
            GenerationError: if the message or the conversation cannot be answered.
        """
        talk = self._conversation
        reply = talk.send(text, self._limits)
        with _interruptible(reply):
            self._stream(reply, quiet)
        said = self._said(reply)
        if not quiet:
            ending = _ending(said.finish)
            if ending:
                note(ending)
            closing(said.line())
        return said

    def at_terminal(self) -> int:
        """Ask for messages until the user leaves; the exit code."""
        with contextlib.suppress(ImportError):  # absent on Windows, which edits lines itself
            import readline  # noqa: F401
        engine = self._conversation.engine
        note(f"{engine.bundle.name} · {engine.device} · /help" + say("", " (/도움말)"))
        while True:
            try:
                text = _ask(say("you> ", "나> "))
            except (EOFError, KeyboardInterrupt):
                print(file=sys.stdout if terminal(sys.stdout) else sys.stderr)
                return 0
            if self._take(text) is None:
                return 0

    def lines(self, messages: Iterable[str]) -> int:
        """Answer each line; the exit code of the first that could not be answered, or 0."""
        code = 0
        for line in messages:
            taken = self._take(line)
            if taken is None:
                break
            code = code or taken
        return code

    def _take(self, text: str) -> int | None:
        """Do what one message asks; an exit code, or None to leave."""
        text = text.strip()
        if text in QUIT:
            return None
        if text in NEW:
            self._conversation.turns = []
            note(say("A new conversation.", "새 대화를 시작합니다."))
        elif text in HELP or (text.startswith("/") and len(text.split()) == 1):
            note(_help())
        elif text:
            try:
                self.answer(text)
            except GenerationError as exc:
                show(self._with_way_out(exc))
                return exc.exit_code
        return 0

    def _with_way_out(self, exc: GenerationError) -> GenerationError:
        if not isinstance(exc, ContextFull) or not self._conversation.turns:
            return exc
        return ContextFull(exc.what, exc.why, say("Start again: /new", "새로 시작하기: /새로"))

    def _stream(self, reply: Reply, quiet: bool) -> None:
        shown = safe if terminal(sys.stdout) else str
        with waiting(say("Reading…", "읽는 중…")) as arrived:
            for piece in reply:
                arrived()
                if not quiet:
                    sys.stdout.write(shown(piece))
                    sys.stdout.flush()
        if not quiet and reply.text:
            print(flush=True)

    def _said(self, reply: Reply) -> Said:
        engine, stats = self._conversation.engine, reply.stats
        return Said(
            text=reply.text,
            finish=reply.finish or Finish.CANCELLED,
            stats=stats,
            rates=Rates(stats.prefill_rate, stats.decode_rate, stats.characters_rate),
            model=engine.bundle.name,
            device=engine.device,
            memory_bytes=resident_bytes(),
            offline=True,
            licence=engine.bundle.manifest.licence.name,
            label=reply.label,
        )


@contextmanager
def _interruptible(reply: Reply) -> Iterator[None]:
    """Let the first Ctrl-C end the reply, and the second one the program."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:  # whoever started us wants it ignored
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if reply.cancelled:
            raise KeyboardInterrupt
        reply.cancel()

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _ask(prompt: str) -> str:
    """A line from the terminal; the prompt stays out of a redirected stdout."""
    if terminal(sys.stdout):
        return input(prompt)
    print(prompt, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


def _ending(finish: Finish) -> str:
    """Why an answer ended before its own end, in words."""
    return {
        Finish.LENGTH: say("Cut: --max-tokens was reached.", "--max-tokens에 이르러 끊었습니다."),
        Finish.CONTEXT: say("Cut: the context is full.", "문맥이 가득 차 끊었습니다."),
        Finish.TIME: say("Cut: its time is up.", "시간이 다 되어 끊었습니다."),
        Finish.CANCELLED: say("Stopped.", "멈췄습니다."),
        Finish.STUCK: say("Cut: no token was allowed.", "쓸 수 있는 토큰이 없어 끊었습니다."),
        Finish.LOST: say("Cut: the device was lost.", "장치를 잃어 끊었습니다."),
    }.get(finish, "")


def _help() -> str:
    return say(
        "/new  forget this conversation\n/quit leave (also Ctrl-D)\n"
        "/help this list\nCtrl-C stops an answer; again, or at the prompt, it leaves.",
        "/새로   이 대화를 잊고 새로 시작 (/new)\n/끝     나가기 (/quit, Ctrl-D)\n"
        "/도움말 이 목록 (/help)\nCtrl-C는 답을 멈춥니다. 한 번 더 누르거나 입력 줄에서 누르면 "
        "나갑니다.",
    )
