"""The variant for neural processors: static graphs of a decoder, calibrated and quantised.

Beside the bundle's graphs come a decode graph for one token and a prefill graph for a bucket of
them, both of the same nodes and on one weights file, and `npu.json`: what quantising cost, found
by running the very files on the CPU. See graph/static.py for their inputs and outputs.
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
from ondol.tokenizer import Tokenizer
from ondol_converters.families.decoder import Decoder
from ondol_converters.graph.static import draw_static
from ondol_converters.graph.weights import WeightsFile
from ondol_converters.pack import Packer
from ondol_converters.quantise.qdq import static_qdq
from ondol_converters.recipe import Options
from ondol_converters.sources import Source
from ondol_converters.static_run import ROUNDS, StaticRun
from ondol_converters.targets import Target, target
from ondol_converters.targets.graphs import decode_graph, narrow_embedding, prefill_graph, store
from ondol_converters.texts import load

NAME = "npu"
DECODE, PREFILL, WEIGHTS, REPORT = "npu.onnx", "npu-prefill.onnx", "npu.bin", "npu.json"
MEASURED = 192  # tokens that are scored, after a bucket that only fills the cache

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class NpuReport:
    """What quantising for a neural processor cost, on the CPU and a text not calibrated on.

    `top1_agreement` is the share of `tokens` for which the float graph has the same likeliest one.
    Bits per character are of those tokens, in float and quantised.
    """

    activations: str
    context: int
    bucket: int
    calibration_tokens: int
    text: str
    tokens: int
    top1_agreement: float
    float_bits_per_character: float
    bits_per_character: float

    @property
    def relative_loss(self) -> float:
        """The change in bits per character: 0.01 is one per cent."""
        return self.bits_per_character / self.float_bits_per_character - 1


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
        made.draw(scratch, source, names, options, progress)
        progress("quantise", 0, 1)
        used = made.quantise(scratch, options)
        progress("quantise", 1, 1)
        progress("measure", 0, 1)
        report = made.measure(scratch, used)
        progress("measure", 1, 1)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    write_whole(
        bundle.folder / REPORT,
        (json.dumps(asdict(report), ensure_ascii=False, indent=1) + "\n").encode(),
    )
    manifest = bundle.manifest
    files = tuple(entry_of(bundle.folder, name) for name in (DECODE, PREFILL, WEIGHTS, REPORT))
    texts = load(options.calibration).texts
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
    ) -> None:
        """Write the float graph for a bucket of tokens."""
        exact = replace(options, weights="float32", budget=None)
        with WeightsFile(scratch / "float.bin") as file:
            packer = Packer(source, names, self._decoder, exact, file, self._context, progress)
            weights = packer.weights()
            file.finish()
        model = draw_static(
            self._decoder, weights, "float.bin", self._bucket, self._context, __version__
        )
        write_whole(scratch / "float.onnx", model.SerializeToString())

    def quantise(self, scratch: Path, options: Options) -> int:
        """Write the graphs of the variant; how many tokens were looked at."""
        ids = self._ids(load(options.calibration).text)
        readings = self._run(scratch / "float.onnx", self._bucket).readings(ids)
        static_qdq(
            scratch / "float.onnx",
            scratch / "qdq.onnx",
            readings,
            self._activations,
            self._wanted.operators,
        )
        model = narrow_embedding(onnx.load(str(scratch / "qdq.onnx")))
        with WeightsFile(self._folder / WEIGHTS) as file:
            store(model, file, WEIGHTS)
            file.finish()
        decode, prefill = decode_graph(model, self._bucket), prefill_graph(model)
        write_whole(self._folder / DECODE, decode.SerializeToString())
        write_whole(self._folder / PREFILL, prefill.SerializeToString())
        return min(len(ids), ROUNDS * self._bucket)

    def measure(self, scratch: Path, calibration_tokens: int) -> NpuReport:
        """Run the variant as a device would, beside the float graph."""
        text = next(text for text in evaluation_texts() if text.language == "ko")
        count = min(self._bucket + MEASURED, self._context)
        ids = self._ids(text.text)[:count]
        wanted = self._run(scratch / "float.onnx", self._bucket).append(ids)[self._bucket : -1]
        prefill = self._run(self._folder / PREFILL, self._bucket)
        prefill.fill(ids[: self._bucket])
        decode = self._run(self._folder / DECODE, 1, prefill)
        found = decode.append(ids[self._bucket : -1])
        targets = ids[self._bucket + 1 :]
        characters = len(self._tokenizer.decode(ids)) - len(
            self._tokenizer.decode(ids[: self._bucket + 1])
        )
        return NpuReport(
            activations=self._activations,
            context=self._context,
            bucket=self._bucket,
            calibration_tokens=calibration_tokens,
            text=text.name,
            tokens=len(targets),
            top1_agreement=float(np.mean(found.argmax(1) == wanted.argmax(1))),
            float_bits_per_character=_bits(wanted, targets) / characters,
            bits_per_character=_bits(found, targets) / characters,
        )

    def variant(self) -> Variant:
        """The manifest's entry."""
        decode = onnx.load(str(self._folder / DECODE), load_external_data=False)
        operators = tuple(sorted({node.op_type for node in decode.graph.node}))
        activation = {"a16w8": "uint16", "a8w8": "uint8"}[self._activations]
        size = (self._folder / WEIGHTS).stat().st_size
        return Variant(
            NAME, DECODE, (PREFILL,), Needs(operators, ("float32", "int8", activation), size)
        )

    def _run(self, path: Path, n: int, after: StaticRun | None = None) -> StaticRun:
        run = StaticRun(path, self._decoder, n, self._context, self._threads)
        if after is not None:
            run.take(after)
        return run

    def _ids(self, text: str) -> list[int]:
        start = [] if self._tokenizer.bos is None else [self._tokenizer.bos]
        return [*start, *self._tokenizer.encode(text)]


def _bits(logits: NDArray[np.float32], targets: Sequence[int]) -> float:
    """What tokens cost, in bits; logits [n, vocabulary] of the positions before them."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    total = np.log(np.exp(shifted).sum(axis=1))
    own = shifted[np.arange(len(targets)), list(targets)]
    return float((total - own).sum() / math.log(2))
