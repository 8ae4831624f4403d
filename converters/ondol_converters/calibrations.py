"""One model calibrated on Korean and on English, side by side: what each language loses by it."""

import shutil
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path

from ondol import policy
from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.evaluation.measuring import score_texts
from ondol.evaluation.scoring import WINDOW, OpenModel
from ondol.evaluation.text import Text, evaluation_texts, own_texts
from ondol.manifest import Defaults, Origin
from ondol.quality import CalibrationQuality, TextQuality
from ondol_converters.assembly import WEIGHTS, Assembly, Terms, Weighing
from ondol_converters.budget.candidates import round_layers
from ondol_converters.budget.chain import LayerChain
from ondol_converters.budget.texts import WINDOW as CALIBRATION_WINDOW
from ondol_converters.budget.texts import windows
from ondol_converters.families import recognise
from ondol_converters.quantise.store import BlockStore
from ondol_converters.recipe import Layout, Options
from ondol_converters.sources import Source
from ondol_converters.texts import CALIBRATION_TEXTS
from ondol_converters.vocabulary.fitting import fitted

METHOD, BITS = "gptq", 4
BLOCKS = (32, 16)
"""Of a matrix the first that its rows are a multiple of."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done and how much there is."""


def compare_calibrations(
    source: Source,
    folder: Path,
    progress: Progress,
    scored: Sequence[Text] = (),
) -> tuple[CalibrationQuality, ...]:
    """Quantise a decoder twice, with Korean and with English text of as many tokens.

    Every matrix, embedding and head included, is rounded to 4 bits by GPTQ; the two bundles are
    scored beside the dequantised source and not kept.

    Args:
        source: an open model.
        folder: an empty folder; twice the dequantised model's size goes there for a while.
        progress: called as it goes.
        scored: what to score on; Ondol's own evaluation texts where it is empty.

    Raises:
        SourceError: if it is no decoder that can be converted.
        StorageError: if the disk refuses.
    """
    with policy.making(folder):
        return _compared(_assembled(source), folder, progress, scored or evaluation_texts())


def _compared(
    assembly: Assembly, folder: Path, progress: Progress, scored: Sequence[Text]
) -> tuple[CalibrationQuality, ...]:
    place = folder / "source"
    place.mkdir()
    progress("source", 0, 1)
    written = assembly.unquantised().write(place, Weighing())
    progress("source", 1, 1)
    texts = own_texts(files("ondol_converters") / "texts", CALIBRATION_TEXTS)
    found = []
    (folder / "chain").mkdir()
    path = place / WEIGHTS
    with LayerChain(assembly.decoder, written.weights, path, folder / "chain") as chain:
        seen = _windows(assembly, folder, texts)
        for text in texts:
            trial = folder / "trial"
            trial.mkdir()
            store = BlockStore(trial)
            rounded = round_layers(
                chain,
                seen[text.language],
                lambda name, columns: _layouts(columns),
                store,
                lambda done, total: progress("calibration", done, total),
            )
            layouts = {each.matrix: each.layout for each in rounded}
            (trial / "bundle").mkdir()
            bundle = assembly.silent().write(trial / "bundle", Weighing(layouts, store)).bundle
            measured = _scored(bundle, written.bundle, scored, progress)
            found.append(
                CalibrationQuality(
                    language=text.language,
                    method=METHOD,
                    bits=BITS,
                    block=max(layout.block for layout in layouts.values()),
                    calibration=(Origin(text.name, text.size, text.sha256),),
                    texts=measured,
                )
            )
            shutil.rmtree(trial)
    return tuple(found)


def _assembled(source: Source) -> Assembly:
    decoder, names = recognise(source)
    return Assembly(
        source=source,
        names=names,
        decoder=decoder,
        tokenizer=fitted(source.tokenizer(), decoder.vocabulary),
        source_vocabulary=decoder.vocabulary,
        name="calibrated",
        options=Options(context=WINDOW),
        terms=Terms(),
        defaults=Defaults(),
        texts=(),
        progress=_silent,
    )


def _layouts(columns: int) -> list[Layout]:
    return [Layout(BITS, block, METHOD) for block in BLOCKS if columns % block == 0][:1]


def _windows(assembly: Assembly, folder: Path, texts: Sequence[Text]) -> dict[str, list[list[int]]]:
    """Runs of tokens of each language, as many of one as of the other."""
    tokenizer = assembly.open_tokenizer(folder)
    size = min(CALIBRATION_WINDOW, assembly.context)
    cut = {text.language: windows(tokenizer, text.text, size) for text in texts}
    fewest = min(map(len, cut.values()))
    return {language: runs[:fewest] for language, runs in cut.items()}


def _scored(
    bundle: Bundle, source: Bundle, texts: Sequence[Text], progress: Progress
) -> tuple[TextQuality, ...]:
    with (
        Engine.open(bundle, context=bundle.decoder.context) as this,
        Engine.open(source, context=source.decoder.context) as reference,
    ):
        return score_texts(
            OpenModel(this.session, this.tokenizer),
            OpenModel(reference.session, reference.tokenizer),
            texts,
            lambda done, total: progress("texts", done, total),
        )


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
