"""Answers to a fixed set of Korean prompts: how much they repeat, and what script they are in.

A model with a chat template is asked questions; one without continues the openings of texts.
Each prompt is answered greedily, then once more by drawing with a seed of its own.
"""

import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from importlib.resources import files

from ondol.engine import Engine
from ondol.evaluation.text import OWN
from ondol.manifest import Origin
from ondol.quality import GenerationQuality
from ondol.reply import Limits
from ondol.sampling import Sampling
from ondol.scripts import script_leak
from ondol.session import Conversation
from ondol.strict import build, load
from ondol.template import Message

PROMPTS = "prompts_ko.jsonl"
MAX_TOKENS = 80
TEMPERATURE, TOP_K, TOP_P, SEED = 0.8, 40, 0.95, 20251125
GRAM = 4

Progress = Callable[[int, int], None]
"""Called with answers made and answers in all."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt in two forms: a question for a chat, and the opening of a text."""

    question: str
    opening: str


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts, and the file they are from."""

    file: Origin
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: its tokens without the ending one, and its text."""

    ids: tuple[int, ...]
    text: str


def prompts() -> Prompts:
    """Ondol's own prompts."""
    data = (files("ondol") / "texts" / PROMPTS).read_bytes()
    asked = tuple(build(Asked, load(line, len(line)), PROMPTS) for line in data.splitlines())
    file = Origin(f"{OWN}{PROMPTS}", len(data), hashlib.sha256(data).hexdigest())
    return Prompts(file, asked)


def measure_generation(
    engine: Engine, progress: Progress | None = None
) -> tuple[GenerationQuality, GenerationQuality]:
    """Answer the prompts greedily and by drawing; what the engine's cache held is forgotten.

    The bundle's own system prompt and repetition penalty hold in both. Prompts whose whole answer
    has no room in the context are left out of both: a shorter answer repeats itself less.
    """
    given = prompts()
    fitting = [asked for asked in given.asked if _fits(engine, asked)]
    penalty = engine.bundle.manifest.defaults.repetition_penalty
    total, done = 2 * len(fitting), 0
    measured: list[GenerationQuality] = []
    for sampling in (
        Sampling(repetition_penalty=penalty),
        Sampling(TEMPERATURE, TOP_K, TOP_P, repetition_penalty=penalty, seed=SEED),
    ):
        answers = []
        for asked in fitting:
            if progress:
                progress(done, total)
            answers.append(_answer(engine, asked, sampling))
            done += 1
        measured.append(_measured(engine, given, sampling, answers))
    if progress:
        progress(total, total)
    return measured[0], measured[1]


def left_out(found: GenerationQuality) -> int:
    """How many of our prompts had no room for an answer; 0 where it was asked others."""
    given = prompts()
    return len(given.asked) - found.answers if found.prompts == given.file else 0


def repeated_share(tokens: Sequence[int]) -> float:
    """The share of 4-grams of tokens that came before in the same answer, 0 to 1.

    "seq-rep-4" of Welleck et al. 2019 (arXiv 1908.04319); 0 for fewer than four tokens.
    """
    grams = _grams(tokens)
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def distinct_share(texts: Sequence[str]) -> float:
    """The share of different 4-grams of characters among all of several texts, 0 to 1.

    "distinct-n" of Li et al. 2016 (arXiv 1510.03055), on characters, which compare across
    tokenizers; 0 where no text has four.
    """
    grams = [gram for text in texts for gram in _grams(text)]
    return len(set(grams)) / len(grams) if grams else 0.0


def _grams(sequence: Sequence[Hashable]) -> list[tuple[Hashable, ...]]:
    return [tuple(sequence[i : i + GRAM]) for i in range(len(sequence) - GRAM + 1)]


def _said(talk: Conversation, asked: Asked) -> str:
    return asked.question if talk.chats else asked.opening


def _fits(engine: Engine, asked: Asked) -> bool:
    talk = Conversation(engine)
    prompt = talk.prompt([Message("user", _said(talk, asked))])
    return len(engine.tokenizer.encode_prompt(prompt)) + MAX_TOKENS <= engine.session.context


def _answer(engine: Engine, asked: Asked, sampling: Sampling) -> Said:
    talk = Conversation(engine, sampling=sampling)
    reply = talk.send(_said(talk, asked), Limits(MAX_TOKENS))
    text = reply.read()
    ends = frozenset(engine.tokenizer.eos)
    return Said(tuple(token for token in reply.ids if token not in ends), text)


def _measured(
    engine: Engine, given: Prompts, sampling: Sampling, answers: Sequence[Said]
) -> GenerationQuality:
    talk = Conversation(engine)
    ids, texts = [answer.ids for answer in answers], [answer.text for answer in answers]
    leaks = [script_leak(text) for text in texts]
    return GenerationQuality(
        prompts=given.file,
        chats=talk.chats,
        system=talk.system if talk.chats else "",
        temperature=sampling.temperature,
        top_k=sampling.top_k,
        top_p=sampling.top_p,
        repetition_penalty=sampling.repetition_penalty,
        seed=sampling.seed,
        max_tokens=MAX_TOKENS,
        answers=len(answers),
        characters=sum(map(len, texts)),
        repeated_4grams=sum(map(repeated_share, ids)) / max(len(ids), 1),
        distinct_characters=distinct_share(texts),
        leaked_letters=script_leak("".join(texts)),
        leaking_answers=sum(leak > 0 for leak in leaks),
    )
