"""What Qualcomm's HTP computes of an embedder in its emulator, beside the CPU. Not run on silicon.

Cosines of our queries and passages: with the CPU's own graph, and with the same quantised graphs on
the CPU, which leaves only what float16 between the products changes; and how many are found. No
times: an emulator's say nothing of a phone.

    python benchmarks/qnn_encoder.py BUNDLE [--soc SM8750] [--kind ko]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ondol.bundle import Bundle
from ondol.encoder import Encoder, Kind
from ondol.evaluation.retrieval import Pair, pairs, scored
from ondol.fixed_lengths import FixedLengths
from ondol_converters.encoders.running import FileGraph

Vectors = NDArray[np.float32]


def main() -> None:
    """Compare three ways to run an embedder made with --target npu."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--soc", default="SM8750")
    parser.add_argument("--kind", default="ko", help="of the pairs: ko or ko-en")
    said = parser.parse_args()
    bundle = Bundle.open(said.bundle)
    given = pairs()
    chosen = [pair for pair in given.pairs if pair.kind == said.kind]
    with Encoder.open(bundle, device="cpu") as cpu:
        own = _vectors(cpu, chosen)
        same = _vectors(Encoder(bundle, _static(bundle), cpu.tokenizer, "cpu"), chosen)
    with Encoder.open(bundle, device=f"qnn:{said.soc}") as encoder:
        nodes = len(encoder.session.placement)
        emulated = _vectors(encoder, chosen)
    print(f"{bundle.name}, {said.soc}: HTP emulator, not run on silicon; {nodes} nodes")
    for word, other in (("the bundle's own graph", own), ("the same quantised graphs", same)):
        cosines = np.concatenate([_cosines(*two) for two in zip(emulated, other, strict=True)])
        print(f"cosine to cpu, {word}: mean {cosines.mean():.5f}, least {cosines.min():.5f}")
    for word, (queries, passages) in (
        ("cpu", own),
        ("cpu, quantised", same),
        ("HTP emulator", emulated),
    ):
        found = scored(given.file, said.kind, queries @ passages.T)
        print(f"{word}: of {found.queries} found at once {found.recall_at_1:.1%}, ", end="")
        print(f"among five {found.recall_at_5:.1%}, {found.mean_reciprocal_rank:.3f}")


def _static(bundle: Bundle) -> FixedLengths:
    variant = bundle.variant("npu")
    if variant is None:
        raise SystemExit("convert the model with --target npu")
    graphs = [FileGraph(bundle.file(name)) for name in (variant.graph, *variant.prefill)]
    return FixedLengths(graphs, bundle.encoder.pad)


def _vectors(encoder: Encoder, given: Sequence[Pair]) -> tuple[Vectors, Vectors]:
    """Of queries and of passages, of length 1."""
    kinds: tuple[tuple[Kind, list[str]], ...] = (
        ("query", [pair.query for pair in given]),
        ("passage", [pair.passage for pair in given]),
    )
    made = [encoder.embed(texts, kind) for kind, texts in kinds]
    queries, passages = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in made)
    return queries, passages


def _cosines(a: Vectors, b: Vectors) -> Vectors:
    return np.asarray((a * b).sum(axis=1), np.float32)


if __name__ == "__main__":
    main()
