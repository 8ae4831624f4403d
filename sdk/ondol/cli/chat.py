"""`ondol chat`: talk with a model, in the terminal, offline."""

import sys
from typing import TYPE_CHECKING

import typer

from ondol.cli.choosing import chosen
from ondol.cli.failures import INTERRUPTED
from ondol.cli.memory import Memory, memory_bytes
from ondol.cli.options import (
    ChatModel,
    Context,
    Device,
    Json,
    MaxTokens,
    MinP,
    Once,
    RepetitionPenalty,
    Seed,
    Stop,
    System,
    Temperature,
    Threads,
    TopK,
    TopP,
)
from ondol.cli.output import note, show_json, terminal, waiting
from ondol.errors import OptionError
from ondol.language import say

if TYPE_CHECKING:
    from ondol.bundle import Bundle
    from ondol.cli.talk import Talk
    from ondol.reply import Limits
    from ondol.sampling import Sampling


def chat(
    model: ChatModel = None,
    once: Once = None,
    system: System = None,
    device: Device = None,
    threads: Threads = None,
    context: Context = None,
    memory: Memory = None,
    max_tokens: MaxTokens = None,
    temperature: Temperature = None,
    top_k: TopK = None,
    top_p: TopP = None,
    min_p: MinP = None,
    repetition_penalty: RepetitionPenalty = None,
    seed: Seed = None,
    stop: Stop = None,
    json: Json = False,
) -> None:
    """Chat with a model."""
    _consistent(temperature, (top_k, top_p, min_p), json and once is None)
    from ondol.cli.making import bundle_for
    from ondol.cli.talk import Talk
    from ondol.engine import Engine
    from ondol.hangul.script_guard import ScriptGuard
    from ondol.reply import Limits
    from ondol.session import Conversation

    limit = memory_bytes(memory)
    bundle = bundle_for(model)
    device = chosen(bundle, device)
    sampling = _sampling(bundle, temperature, top_k, top_p, min_p, repetition_penalty, seed)
    longest = Limits(max_tokens, tuple(stop or ()))
    with waiting(say(f"Opening {bundle.name}…", f"{bundle.name} 여는 중…")):
        engine = Engine.open(bundle, device=device, context=context, threads=threads, memory=limit)
    with engine:
        conversation = Conversation(engine, system=system, sampling=sampling)
        conversation.guard = ScriptGuard.for_chat
        if not conversation.chats:
            longest = _continuing(bundle, system, longest)
        talk = Talk(conversation, longest)
        code = _answer_once(talk, once, json) if once is not None else _converse(talk)
    if code:
        raise typer.Exit(code)


def _consistent(
    temperature: float | None, draws: tuple[float | None, ...], json_alone: bool
) -> None:
    """Refuse options that would be ignored.

    Raises:
        OptionError: naming the option that is missing.
    """
    if temperature is None and any(value is not None for value in draws):
        raise OptionError(
            say(
                "--top-k, --top-p and --min-p change nothing without --temperature.",
                "--top-k, --top-p, --min-p는 --temperature 없이는 아무 효과가 없습니다.",
            ),
            say("The likeliest token is always taken.", "늘 가장 그럴듯한 토큰을 고릅니다."),
            "--temperature 0.7",
        )
    if json_alone:
        raise OptionError(
            say("chat --json needs --once.", "chat --json에는 --once가 필요합니다."),
            say("It prints one answer as one object.", "답 하나를 객체 하나로 출력합니다."),
            'ondol chat --json --once "..."',
        )


def _sampling(
    bundle: "Bundle",
    temperature: float | None,
    top_k: int | None,
    top_p: float | None,
    min_p: float | None,
    repetition_penalty: float | None,
    seed: int | None,
) -> "Sampling":
    """How tokens are chosen: what was asked for, else the bundle's own or the usual."""
    from ondol.sampling import Sampling

    usual = Sampling(repetition_penalty=bundle.manifest.defaults.repetition_penalty)
    return Sampling(
        usual.temperature if temperature is None else temperature,
        usual.top_k if top_k is None else top_k,
        usual.top_p if top_p is None else top_p,
        usual.min_p if min_p is None else min_p,
        usual.repetition_penalty if repetition_penalty is None else repetition_penalty,
        seed,
    )


def _continuing(bundle: "Bundle", system: str | None, limits: "Limits") -> "Limits":
    """Say once that this model does not chat, and how far it will go."""
    from ondol.reply import Limits
    from ondol.session import CONTINUATION_TOKENS

    if system is not None:
        raise OptionError(
            say(
                f"{bundle.name} cannot follow --system.",
                f"{bundle.name}은(는) --system을 따를 수 없습니다.",
            ),
            say(
                "It has no chat template: it continues text.",
                "대화 서식이 없어 글을 이어 쓰기만 합니다.",
            ),
            say("Leave --system out.", "--system을 빼세요."),
        )
    most = limits.max_tokens or CONTINUATION_TOKENS
    note(
        say(
            f"{bundle.name} has no chat template: it continues your text, by at most {most} tokens "
            "(--max-tokens).",
            f"{bundle.name}에는 대화 서식이 없어, 쓰신 글을 {most}토큰까지 이어 씁니다"
            "(--max-tokens).",
        )
    )
    return Limits(most, limits.stop)


def _answer_once(talk: "Talk", text: str, json: bool) -> int:
    """One answer; the code to exit with."""
    from ondol.reply import Finish

    said = talk.answer(text, quiet=json)
    if json:
        show_json(said)
    return INTERRUPTED if said.finish is Finish.CANCELLED else 0


def _converse(talk: "Talk") -> int:
    """Answers until the user leaves; the code to exit with."""
    return talk.at_terminal() if terminal(sys.stdin) else talk.lines(sys.stdin)
