"""The variant for neural processors: static graphs of a decoder, calibrated and quantised.

Beside the bundle's graphs come a decode graph for one token and a prefill graph for a bucket of
them, both of the same nodes and on one weights file, and `npu.json`: what quantising cost, found
by running these nodes on the CPU. See graph/static.py for their inputs and outputs.
"""

import json
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from ondol import __version__
from ondol.bundle import Bundle, entry_of
from ondol.device import Needs
from ondol.evaluation.text import evaluation_texts
from ondol.files import write_whole
from ondol.manifest import Manifest, Origin, Variant
from ondol.plan import usable_cores
from ondol.target_reports import NPU_REPORT, NpuReport
from ondol.tokenizer import Tokenizer
from ondol_converters.families.decoder import Decoder
from ondol_converters.graph.decoder import DecoderWeights
from ondol_converters.graph.halves import FLOAT16, HalfWeights, in_halves
from ondol_converters.graph.qdq import STEPS, MeasuringPen, QuantisedPen, int8_matrix
from ondol_converters.graph.static import StaticPen
from ondol_converters.graph.weights import Stored, WeightsFile, joined
from ondol_converters.pack import Packer
from ondol_converters.recipe import Options
from ondol_converters.sources import Source
from ondol_converters.static_run import ROUNDS, StaticRun
from ondol_converters.targets import Target, target
from ondol_converters.texts import load

NAME = "npu"
DECODE, PREFILL, WEIGHTS = "npu.onnx", "npu-prefill.onnx", "npu.bin"
FLOAT, SCORING = "float.bin", "npu-scoring.onnx"
MEASURED = 512  # tokens

Progress = Callable[[str, int, int], None]


def with_npu(
    bundle: Bundle,
    source: Source,
    decoder: Decoder,
    names: Mapping[str, str],
    options: Options,
    progress: Progress,
) -> tuple[Manifest, NpuReport]:
    """Add the variant to a bundle's folder; the manifest that goes with it, and its cost.

    Raises:
        OptionError: if the family has something that the static graph does not draw.
    """
    wanted = target(NAME)
    scratch = bundle.folder / "npu-scratch"
    scratch.mkdir()
    try:
        made = _Making(bundle, decoder, options.activations or wanted.activations[0], wanted)
        weights = made.draw(scratch, source, names, options, progress)
        progress("quantise", 0, 1)
        texts = load(options.calibration).texts if made.quantises else ()
        used = made.write(scratch, weights, "\n".join(text.text for text in texts))
        progress("quantise", 1, 1)
        progress("measure", 0, 1)
        report = made.measure(scratch, used)
        progress("measure", 1, 1)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    write_whole(
        bundle.folder / NPU_REPORT,
        (json.dumps(asdict(report), ensure_ascii=False, indent=1) + "\n").encode(),
    )
    manifest = bundle.manifest
    files = tuple(entry_of(bundle.folder, name) for name in (DECODE, PREFILL, WEIGHTS, NPU_REPORT))
    calibration = tuple(Origin(text.name, text.size, text.sha256) for text in texts)
    return (
        replace(
            manifest,
            files=(*manifest.files, *files),
            variants=(*manifest.variants, made.variant()),
            recipe=replace(manifest.recipe, calibration=calibration),
        ),
        report,
    )


class _Making:
    """The steps, and what they share."""

    def __init__(self, bundle: Bundle, decoder: Decoder, activations: str, wanted: Target) -> None:
        model = bundle.decoder
        self._folder, self._decoder, self._wanted = bundle.folder, decoder, wanted
        self._activations = activations
        self._context = min(model.context, wanted.context)
        self._bucket = min(wanted.bucket, self._context // 2)
        self._tokenizer = Tokenizer.open(
            bundle.file("tokenizer.json"), bos=model.bos, eos=model.eos
        )
        self._threads = usable_cores()

    def draw(
        self,
        scratch: Path,
        source: Source,
        names: Mapping[str, str],
        options: Options,
        progress: Progress,
    ) -> DecoderWeights:
        """Write the weights in float32, and the float graph for a bucket of tokens."""
        exact = replace(options, weights="float32", budget=None)
        with WeightsFile(scratch / FLOAT) as file:
            weights = Packer(
                source, names, self._decoder, exact, file, self._context, progress
            ).weights()
            file.finish()
        self._write(scratch / "float.onnx", self._float(StaticPen, weights))
        self._write(scratch / "measuring.onnx", self._float(MeasuringPen, weights))
        return weights

    def _float(self, pen: type[StaticPen], weights: DecoderWeights) -> onnx.ModelProto:
        drawn = pen(self._decoder, weights, FLOAT, self._bucket, self._context)
        return drawn.model(__version__)

    def _write(self, path: Path, model: onnx.ModelProto) -> None:
        write_whole(path, model.SerializeToString())

    @property
    def quantises(self) -> bool:
        """Whether activations and weights become integers."""
        return self._activations in STEPS

    def write(self, scratch: Path, weights: DecoderWeights, text: str) -> int:
        """Write the graphs of the variant; how many tokens were looked at."""
        if self.quantises:
            return self._quantised(scratch, weights, text)
        with WeightsFile(self._folder / WEIGHTS) as file:
            halves = HalfWeights(scratch / FLOAT, file, WEIGHTS)
            for name, n, logits in self._graphs:
                pen = StaticPen(self._decoder, weights, FLOAT, n, self._context)
                model = pen.model(__version__, logits)
                in_halves(model, halves.move)
                self._write(self._folder / name, model)
            file.finish()
        return 0

    @property
    def _graphs(self) -> tuple[tuple[str, int, bool], ...]:
        """Files, tokens at a time, and whether they give logits."""
        return (
            (DECODE, 1, True),
            (PREFILL, self._bucket, False),
            (SCORING, self._bucket, True),  # taken away when the loss is known
        )

    def _quantised(self, scratch: Path, weights: DecoderWeights, text: str) -> int:
        ids = self._ids(text)[: ROUNDS * self._bucket]
        ranges = self._run(scratch / "measuring.onnx", self._bucket).ranges(ids)
        head = joined(weights.head)
        wide = {**weights.matrices, "head": head}
        with WeightsFile(self._folder / WEIGHTS) as file:
            matrices = {
                name: int8_matrix(scratch / FLOAT, matrix, name, file)
                for name, matrix in wide.items()
                if name != "embedding"
            }
            tied = weights.matrices["embedding"].quants.offset == head.quants.offset
            matrices["embedding"] = (
                matrices["head"]
                if tied
                else int8_matrix(scratch / FLOAT, wide["embedding"], "embedding", file)
            )
            ropes = tuple(
                (self._kept(scratch, cos, file), self._kept(scratch, sin, file))
                for cos, sin in weights.ropes
            )
            file.finish()
        own = replace(weights, ropes=ropes)
        for name, n, logits in self._graphs:
            pen = QuantisedPen(
                self._decoder, own, WEIGHTS, n, self._context, matrices, ranges, self._activations
            )
            self._write(self._folder / name, pen.model(__version__, logits))
        return len(ids)

    def _kept(self, scratch: Path, table: Stored, file: WeightsFile) -> Stored:
        """A rope table moved into the variant's weights file as it is."""
        values = np.memmap(scratch / FLOAT, np.float32, "r", table.offset, table.shape)
        return file.add(table.name, table.dtype, table.shape, [values])

    def measure(self, scratch: Path, calibration_tokens: int) -> NpuReport:
        """Score a text on the quantised nodes, beside the float graph."""
        text = next(text for text in evaluation_texts() if text.language == "ko")
        ids = self._ids(text.text)[: min(MEASURED, self._context)]
        wanted = self._scored(scratch / "float.onnx", ids)
        found = self._scored(self._folder / SCORING, ids)
        (self._folder / SCORING).unlink()
        characters = len(self._tokenizer.decode(ids)) - len(self._tokenizer.decode(ids[:1]))
        return NpuReport(
            activations=self._activations,
            context=self._context,
            bucket=self._bucket,
            calibration_tokens=calibration_tokens,
            text=text.name,
            tokens=len(ids) - 1,
            top1_agreement=float(np.mean(np.equal(found.likeliest, wanted.likeliest))),
            float_bits_per_character=wanted.bits / characters,
            bits_per_character=found.bits / characters,
        )

    def _scored(self, path: Path, ids: Sequence[int]) -> "_Scored":
        run, bits, likeliest = self._run(path, self._bucket), 0.0, list[int]()
        for start in range(0, len(ids) - 1, self._bucket):
            window = ids[start : start + self._bucket + 1]
            logits = run.append(window[: self._bucket])[: len(window) - 1]
            bits += _bits(logits, window[1:])
            likeliest += logits.argmax(axis=1).tolist()
        return _Scored(bits, likeliest)

    def variant(self) -> Variant:
        """The manifest's entry."""
        decode = onnx.load(str(self._folder / DECODE), load_external_data=False)
        operators = tuple(sorted({node.op_type for node in decode.graph.node}))
        size = (self._folder / WEIGHTS).stat().st_size
        return Variant(
            NAME, DECODE, (PREFILL,), Needs(operators, precisions(self._activations), size)
        )

    def _run(self, path: Path, n: int) -> StaticRun:
        return StaticRun(path, self._decoder, n, self._context, self._threads)

    def _ids(self, text: str) -> list[int]:
        start = [] if self._tokenizer.bos is None else [self._tokenizer.bos]
        return [*start, *self._tokenizer.encode(text)]


def precisions(activations: str) -> tuple[str, ...]:
    """What graphs hold, by numpy's names."""
    return (
        ("float32", "int8", STEPS[activations].name)
        if activations in STEPS
        else ("float32", FLOAT16)
    )


@dataclass(frozen=True, slots=True)
class _Scored:
    """What a text costs in bits, and the likeliest token at each position."""

    bits: float
    likeliest: list[int]


def _bits(logits: NDArray[np.float32], targets: Sequence[int]) -> float:
    """What tokens cost, in bits; logits [n, vocabulary] of the positions before them."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    total = np.log(np.exp(shifted).sum(axis=1))
    own = shifted[np.arange(len(targets)), list(targets)]
    return float((total - own).sum() / math.log(2))
