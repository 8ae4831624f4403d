"""The variant for neural processors: an encoder's graphs of fixed lengths, calibrated, quantised.

Beside the bundle's graph come one for each length that the target names, up to the model's own,
on one weights file, and `npu.json`: what quantising cost, found by running these nodes on the
CPU. Matrix products are quantised by ONNX Runtime's own quantiser; the table of words is in 8 bits
with a step for each row, which that quantiser has not.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from ondol.batching import outputs
from ondol.bundle import Bundle, entry_of
from ondol.device import Needs
from ondol.encoder import Encoder
from ondol.evaluation.retrieval import measure_retrieval
from ondol.evaluation.text import evaluation_texts
from ondol.files import write_whole
from ondol.fixed_lengths import NAMES, FixedLengths
from ondol.framed import Framed
from ondol.manifest import Manifest, Origin, Variant
from ondol.target_reports import NPU_REPORT, EncoderNpuReport, Found
from ondol.tokenizer import Tokenizer
from ondol.windows import windows
from ondol_converters.assembly import Progress
from ondol_converters.encoders.running import FileGraph
from ondol_converters.encoders.surgery import operators
from ondol_converters.graph.halves import in_halves
from ondol_converters.graph.qdq import STEPS
from ondol_converters.graph.rows import rows_in_int8
from ondol_converters.graph.saving import save_together
from ondol_converters.npu import NAME, WEIGHTS, precisions
from ondol_converters.quantise.qdq import Feeds, static_qdq
from ondol_converters.recipe import Options
from ondol_converters.targets import target
from ondol_converters.texts import load

GRAPH, SHORTER = "npu.onnx", "npu-{}.onnx"
ROUNDS = 16  # texts of each length that are calibrated with, and short ones as well
SHORT = 24  # tokens of what people search for
COMPARED = 16  # texts of each length that are compared
CHARACTERS = 4  # of a text for each token that is wanted, enough in Korean and English
PRODUCTS, THROUGH = ("Gemm", "MatMul"), ("Add", "Identity", "Reshape")

Draw = Callable[[int, Path], None]
"""Writes the float graph of [1, n] int32 inputs, its weights beside it."""


def with_npu(
    bundle: Bundle, draw: Draw, options: Options, progress: Progress
) -> tuple[Manifest, EncoderNpuReport]:
    """Add the variant to a bundle's folder; the manifest that goes with it, and its cost.

    Raises:
        OptionError: if the model has something that has no fixed shape.
        BadText: if a text to calibrate with cannot be read.
    """
    scratch = bundle.folder / "npu-scratch"
    scratch.mkdir()
    try:
        made = _Making(bundle, options, scratch)
        for done, n in enumerate(made.lengths):
            progress("quantise", done, len(made.lengths))
            draw(n, scratch / f"float-{n}.onnx")
            if made.quantises:
                made.quantise(n)
        names = made.write()
        progress("quantise", 1, 1)
        progress("measure", 0, 1)
        report = made.measure(names)
        progress("measure", 1, 1)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    text = json.dumps(asdict(report), ensure_ascii=False, indent=1) + "\n"
    write_whole(bundle.folder / NPU_REPORT, text.encode())
    manifest = bundle.manifest
    files = tuple(entry_of(bundle.folder, name) for name in (*names, WEIGHTS, NPU_REPORT))
    return (
        replace(
            manifest,
            files=(*manifest.files, *files),
            variants=(*manifest.variants, made.variant(names)),
            recipe=replace(manifest.recipe, calibration=made.calibration),
        ),
        report,
    )


class _Making:
    """The steps, and what they share."""

    def __init__(self, bundle: Bundle, options: Options, scratch: Path) -> None:
        wanted = target(NAME)
        self._bundle, self._scratch = bundle, scratch
        self._facts, self._wanted = bundle.encoder, wanted
        self._activations = options.activations or wanted.activations[0]
        self._tokenizer = Tokenizer(bundle.read("tokenizer.json"))
        self._texts = load(options.calibration).texts if self.quantises else ()
        self.calibration = tuple(Origin(text.name, text.size, text.sha256) for text in self._texts)
        self._seen = 0
        most = min(self._facts.context, wanted.lengths[-1])
        self.lengths = (*(n for n in wanted.lengths if n < most), most)

    @property
    def quantises(self) -> bool:
        """Whether activations and weights become integers."""
        return self._activations in STEPS

    def quantise(self, n: int) -> None:
        """Quantise a float graph of the scratch folder."""
        static_qdq(
            self._float(n),
            self._quantised(n),
            self._readings(n),
            self._activations,
            self._wanted.operators,
            last_products(onnx.load(self._float(n), load_external_data=False)),
        )

    def write(self) -> tuple[str, ...]:
        """Write the variant's files; the graphs, longest first."""
        made, change = (
            (self._quantised, rows_in_int8) if self.quantises else (self._float, in_halves)
        )
        models = {self._name(n): onnx.load(made(n)) for n in reversed(self.lengths)}
        for model in models.values():
            change(model)
        save_together(models, self._bundle.folder, WEIGHTS)
        return tuple(models)

    def measure(self, names: Sequence[str]) -> EncoderNpuReport:
        """Run texts through the quantised nodes, beside the float graphs."""
        text = next(text for text in evaluation_texts() if text.language == "ko")
        parts = [part for n in self.lengths for part in self._parts(text.text, n, COMPARED)]
        pad = self._facts.pad
        with (
            FixedLengths([FileGraph(self._float(n)) for n in self.lengths], pad) as exact,
            FixedLengths([FileGraph(self._bundle.folder / n) for n in names], pad) as rounded,
        ):
            wanted, found = (dict(outputs(each, parts, pad)) for each in (exact, rounded))
            cosines = [_cosine(found[at], wanted[at]) for at in range(len(parts))]
            return EncoderNpuReport(
                activations=self._activations,
                lengths=self.lengths,
                calibration_tokens=self._seen,
                text=text.name,
                texts=len(parts),
                least_cosine=min(cosines),
                mean_cosine=float(np.mean(cosines)),
                found=tuple(self._found(exact, rounded)),
            )

    def variant(self, names: Sequence[str]) -> Variant:
        """The manifest's entry."""
        folder = self._bundle.folder
        used = {
            name
            for graph in names
            for name in operators(onnx.load(folder / graph, load_external_data=False))
        }
        size = (folder / WEIGHTS).stat().st_size
        return Variant(
            NAME,
            names[0],
            tuple(names[1:]),
            Needs(tuple(sorted(used)), precisions(self._activations), size),
        )

    def _found(self, exact: FixedLengths, rounded: FixedLengths) -> Iterator[Found]:
        if self._facts.task != "embed":
            return
        scores = (
            measure_retrieval(Encoder(self._bundle, session, self._tokenizer, "cpu"))
            for session in (exact, rounded)
        )
        for before, after in zip(*scores, strict=True):
            yield Found(after.kind, before.recall_at_1, after.recall_at_1)

    def _readings(self, n: int) -> Iterator[Feeds]:
        """Texts to calibrate with: as many of each that there is, whole windows and short ones."""
        each = max(1, ROUNDS // len(self._texts))
        for text in self._texts:
            parts = self._parts(text.text, n, each) + self._parts(text.text, min(n, SHORT), each)
            for part in parts:
                self._seen += len(part.ids)
                ids = np.full((1, n), self._facts.pad, np.int32)
                mask = np.zeros((1, n), np.int32)
                ids[0, : len(part.ids)], mask[0, : len(part.ids)] = part.ids, 1
                yield dict(zip(NAMES, (ids, mask), strict=True))

    def _parts(self, text: str, n: int, count: int) -> list[Framed]:
        """The first windows of a text."""
        some = text[: CHARACTERS * n * count]
        return windows(self._tokenizer, self._facts.passage_prefix, some, n)[:count]

    def _name(self, n: int) -> str:
        return GRAPH if n == self.lengths[-1] else SHORTER.format(n)

    def _float(self, n: int) -> Path:
        return self._scratch / f"float-{n}.onnx"

    def _quantised(self, n: int) -> Path:
        return self._scratch / f"quantised-{n}.onnx"


def last_products(model: onnx.ModelProto) -> tuple[str, ...]:
    """The products that make an output, a bias at most between: logits beyond those of a text
    that was calibrated with are not to be cut off."""
    makers = {name: node for node in model.graph.node for name in node.output}
    found, rest = list[str](), [output.name for output in model.graph.output]
    while rest:
        node = makers.get(rest.pop())
        if node is None:
            continue
        if node.op_type in PRODUCTS:
            found.append(node.name)
        elif node.op_type in THROUGH:
            rest += node.input
    return tuple(found)


def _cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Between two outputs, each taken as one vector."""
    one, other = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))
