"""A budget spent: from a source to the layouts that keep what was asked for."""

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ondol import registry
from ondol.bundle import Bundle
from ondol.evaluation.scoring import OpenModel, Score, score
from ondol.plan import plan
from ondol.tokenizer import Tokenizer
from ondol_converters.assembly import Assembly, Weighing
from ondol_converters.budget import kernel_times, sensitivity
from ondol_converters.budget.candidates import Candidate, round_layers, usable
from ondol_converters.budget.chain import LayerChain
from ondol_converters.budget.search import Costs, Found, Scored, Search, Trial
from ondol_converters.budget.texts import COMPARED_TOKENS, SLOPE_TOKENS, WINDOW, Split, windows
from ondol_converters.budget.yardstick import Yardstick
from ondol_converters.calibration import opened_chain
from ondol_converters.quantise.cache import CacheScales
from ondol_converters.quantise.store import BlockStore
from ondol_converters.recipe import Layout

Progress = Callable[[str, int, int], None]
RATE_TOKENS = 24


@dataclass(frozen=True, slots=True)
class Spent:
    """What a search found, and what is needed to write the bundle it chose."""

    found: Found
    weighing: Weighing


def spend(
    assembly: Assembly,
    whole: Assembly,
    texts: Split,
    scratch: Path,
    report: Progress,
    watch: Callable[[Trial], None],
) -> Spent:
    """Search for the layouts of a bundle.

    Args:
        assembly: what is to be written, its vocabulary cut as asked.
        whole: the same model uncut: what the loss is counted from.
        texts: to calibrate with and to score on.
        scratch: an empty folder; some times the dequantised model's size goes there.
        report: called with a stage, what is done of it and what there is.
        watch: called with each trial.
    """
    report("baseline", 0, 2)
    source = _float_score(whole, texts.tuning, scratch / "source")
    report("baseline", 1, 2)
    unrounded = _float_score(assembly, texts.tuning, scratch / "source")
    report("baseline", 2, 2)
    store = BlockStore(scratch / "rounded")
    (scratch / "rounded").mkdir()
    costs, yardstick = _costs(assembly, texts, scratch, store, report)
    # Every trial is written like a conversion; only the last one's progress is worth showing
    maker = _Maker(assembly.silent(), texts, scratch / "trial", store, yardstick)
    search = Search(
        costs,
        source.bits_per_character,
        unrounded.characters / unrounded.tokens,
        unrounded.bits_per_character / source.bits_per_character - 1,
        assembly.options.budget or 0.0,
        maker,
        watch,
    )
    found = search.run()
    return Spent(found, Weighing(found.best.layouts, store, maker.cache))


def _float_score(assembly: Assembly, text: str, folder: Path) -> Score:
    """What a text costs a model before anything of it is rounded."""
    folder.mkdir()
    bundle = assembly.unquantised().write(folder, Weighing()).bundle
    with _Opened(bundle) as model:
        result = score(model, text)
    shutil.rmtree(folder)
    return result


def _costs(
    assembly: Assembly, texts: Split, scratch: Path, store: BlockStore, report: Progress
) -> tuple[Costs, Yardstick]:
    tokenizer = assembly.open_tokenizer(scratch)
    with opened_chain(assembly, scratch) as chain:
        candidates = list(
            round_layers(
                chain,
                windows(tokenizer, texts.calibration, min(WINDOW, assembly.context)),
                lambda name, columns: usable(columns),
                store,
                lambda done, total: report("calibration", done, total),
            )
        )
        size = min(SLOPE_TOKENS, assembly.context)
        window = windows(tokenizer, texts.calibration, size, size)[0]
        slopes = sensitivity.measure(
            chain, window, candidates, store, lambda d, t: report("sensitivity", d, t)
        )
        seconds = _seconds(chain, candidates, scratch, report)
        compared = windows(tokenizer, texts.tuning, size, COMPARED_TOKENS)
        yardstick = Yardstick.of(chain, compared, scratch / "expected.bin")
    return Costs(candidates, slopes, seconds, assembly.options.favor), yardstick


def _seconds(
    chain: LayerChain, candidates: list[Candidate], scratch: Path, report: Progress
) -> Mapping[tuple[str, Layout], float]:
    """Measured once for each shape and layout; of an embedding that is only looked up, nothing."""
    known: dict[tuple[kernel_times.Shape, int, int], float] = {}
    found: dict[tuple[str, Layout], float] = {}
    for done, candidate in enumerate(candidates):
        report("kernels", done, len(candidates))
        layout, at = candidate.layout, (candidate.matrix, candidate.layout)
        if candidate.matrix in chain.lookups:
            found[at] = 0.0
            continue
        shape = kernel_times.Shape(*chain.values(candidate.matrix).shape)
        key = (shape, layout.bits, layout.block)
        if key not in known:
            known[key] = kernel_times.seconds(shape, layout, scratch)
        found[at] = known[key]
    report("kernels", len(candidates), len(candidates))
    return found


class _Maker:
    """Makes trials one after the other in the same folder."""

    def __init__(
        self,
        assembly: Assembly,
        texts: Split,
        folder: Path,
        store: BlockStore,
        yardstick: Yardstick,
    ) -> None:
        self._assembly, self._texts, self._folder, self._store = assembly, texts, folder, store
        self._yardstick = yardstick
        self.cache: tuple[CacheScales, ...] = ()

    def __call__(self, layouts: Mapping[str, Layout]) -> Scored:
        """Write a bundle, open it, score and compare it, and time some tokens."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        weighing = Weighing(layouts, self._store, self.cache)
        written = self._assembly.write(self._folder, weighing)
        if self._assembly.options.int8_cache and not self.cache:
            written = self._assembly.with_int8_cache(written, self._texts.calibration)
            self.cache = written.weights.cache
        bundle = written.bundle
        with _Opened(bundle) as model:
            bits = score(model, self._texts.tuning).bits_per_character
            divergence = self._yardstick.divergence(model.session)
            rate = _rate(model)
        shutil.rmtree(self._folder)
        return Scored(bundle.size, bits, divergence, rate)


class _Opened:
    """A bundle's session and tokenizer on the CPU, for a moment."""

    def __init__(self, bundle: Bundle) -> None:
        facts = bundle.decoder
        self._session = registry.runtime("cpu").open(bundle, plan(bundle))
        path = bundle.file("tokenizer.json")
        self._model = OpenModel(self._session, Tokenizer.open(path, bos=facts.bos, eos=facts.eos))

    def __enter__(self) -> OpenModel:
        return self._model

    def __exit__(self, *exc: object) -> None:
        self._session.close()


def _rate(model: OpenModel) -> float:
    """Tokens a second after what the session holds."""
    session = model.session
    session.rewind(min(session.length, session.context - RATE_TOKENS - 1))
    token = int(session.append([0]).argmax())
    start = time.perf_counter()
    for _ in range(RATE_TOKENS):
        token = int(session.append([token]).argmax())
    return RATE_TOKENS / (time.perf_counter() - start)
