"""Everything that can be measured of a bundle, put together into its report."""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from ondol import __version__, registry
from ondol.bundle import Bundle
from ondol.encoder import Encoder
from ondol.engine import Engine
from ondol.evaluation.choices import run_task
from ondol.evaluation.generation import measure_generation
from ondol.evaluation.retrieval import beside, measure_retrieval
from ondol.evaluation.scoring import (
    WINDOW,
    Comparison,
    OpenModel,
    Score,
    compare,
    score,
)
from ondol.evaluation.tasks import Task
from ondol.evaluation.text import Text, evaluation_texts
from ondol.model_facts import EncoderFacts
from ondol.quality import VERSION, GenerationQuality, Quality, RetrievalQuality, TextQuality

Progress = Callable[[str, int, int], None]
"""Called with what is measured (texts, tasks, generation, retrieval), done, and in all."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure, and where.

    `texts` empty: none are scored. `tasks` are run with `shots` examples drawn with `seed`.
    An encoder is measured by retrieval alone.
    """

    device: str = "cpu"
    threads: int | None = None
    texts: tuple[Text, ...] = field(default_factory=lambda: evaluation_texts())
    generation: bool = True
    tasks: tuple[Task, ...] = ()
    shots: int = 0
    seed: int = 0


def measure(
    bundle: Bundle,
    against: Bundle | None = None,
    wanted: Wanted | None = None,
    progress: Progress | None = None,
) -> Quality:
    """Measure a bundle, beside its unquantised source where one is given.

    Args:
        bundle: a decoder or an encoder of text.
        against: the same model with float32 weights, as a bundle.
        wanted: what to measure; None: all that needs no file.
        progress: called as it goes.

    Raises:
        WrongKind: if the model is of another kind, or the two are of different kinds.
        DeviceError: if the device cannot be used.
        ContextFull, OptionError: as tasks say.
    """
    chosen, report = wanted or Wanted(), progress or _silent
    quality = Quality(
        ondol_quality=VERSION,
        created_by=f"ondol {__version__}",
        device=chosen.device,
        software=_software(chosen.device),
        machine=f"{platform.system()} {platform.machine()}",
        against=described(against) if against else "",
        calibration=bundle.manifest.recipe.calibration,
    )
    if isinstance(bundle.manifest.model, EncoderFacts):
        return replace(quality, retrieval=_retrieval(bundle, against, chosen, report))
    return _decoder(quality, bundle, against, chosen, report)


def described(source: Bundle) -> str:
    """What a bundle was compared with: its weights, and the files they are from."""
    names = ", ".join(origin.name for origin in source.manifest.origins)
    return f"{source.manifest.recipe.weights}: {names}"


def text_quality(text: Text, found: Score | Comparison) -> TextQuality:
    """What was found of a text, alone or beside the source."""
    this = found if isinstance(found, Score) else found.this
    alone = TextQuality(
        name=text.name,
        size=text.size,
        sha256=text.sha256,
        language=text.language,
        characters=this.characters,
        tokens=this.tokens,
        spelt=this.spelt,
        bits_per_character=this.bits_per_character,
        source_bits_per_character=None,
        relative_loss=None,
        kl_bits=None,
        top1_agreement=None,
        positions=0,
        common_tokens=0,
        renormalised=False,
    )
    if isinstance(found, Score):
        return alone
    return replace(
        alone,
        source_bits_per_character=found.reference.bits_per_character,
        relative_loss=found.relative_loss,
        kl_bits=found.kl_bits,
        top1_agreement=found.top1_agreement,
        positions=found.positions,
        common_tokens=found.common_tokens,
        renormalised=found.renormalised,
    )


def score_texts(
    model: OpenModel,
    reference: OpenModel | None,
    texts: Sequence[Text],
    progress: Callable[[int, int], None],
) -> tuple[TextQuality, ...]:
    """Score each text on a model, beside a reference where there is one."""
    whole = sum(len(text.text) for text in texts)
    before, found = 0, []
    for text in texts:
        size = len(text.text)

        def part(done: int, total: int, before: int = before, size: int = size) -> None:
            progress(before + size * done // max(total, 1), whole)

        scored = (
            compare(model, reference, text.text, part)
            if reference
            else score(model, text.text, part)
        )
        found.append(text_quality(text, scored))
        before += size
    return tuple(found)


def _decoder(
    quality: Quality, bundle: Bundle, against: Bundle | None, wanted: Wanted, report: Progress
) -> Quality:
    context = None if wanted.tasks else min(WINDOW, bundle.decoder.context)
    with Engine.open(
        bundle, device=wanted.device, context=context, threads=wanted.threads
    ) as engine:
        texts: tuple[TextQuality, ...] = ()
        if wanted.texts:
            texts = _texts(engine, against, wanted, report)
        model = OpenModel(engine.session, engine.tokenizer)
        tasks = tuple(
            run_task(model, task, wanted.shots, wanted.seed, partial(report, "tasks"))
            for task in wanted.tasks
        )
        generation: tuple[GenerationQuality, ...] = ()
        if wanted.generation:  # last: the engine then knows what its cache holds
            generation = measure_generation(engine, partial(report, "generation"))
    return replace(quality, texts=texts, tasks=tasks, generation=generation)


def _texts(
    engine: Engine, against: Bundle | None, wanted: Wanted, report: Progress
) -> tuple[TextQuality, ...]:
    model, progress = OpenModel(engine.session, engine.tokenizer), partial(report, "texts")
    if against is None:
        return score_texts(model, None, wanted.texts, progress)
    context = min(WINDOW, against.decoder.context)
    with Engine.open(
        against, device=wanted.device, context=context, threads=wanted.threads
    ) as source:
        reference = OpenModel(source.session, source.tokenizer)
        return score_texts(model, reference, wanted.texts, progress)


def _retrieval(
    bundle: Bundle, against: Bundle | None, wanted: Wanted, report: Progress
) -> tuple[RetrievalQuality, ...]:
    if wanted.tasks:
        _ = bundle.decoder  # says that choices need a model that writes
    with Encoder.open(bundle, device=wanted.device, threads=wanted.threads) as encoder:
        found = measure_retrieval(encoder, partial(report, "retrieval"))
    if against is None:
        return found
    with Encoder.open(against, device=wanted.device, threads=wanted.threads) as encoder:
        return beside(found, measure_retrieval(encoder, partial(report, "retrieval: source")))


def _software(device: str) -> str:
    found = registry.runtime(device).probe().device
    return found.software if found else ""


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
