"""What Qualcomm's HTP computes of a decoder in its emulator, beside the CPU. Not run on silicon.

Top-1 agreement along a Korean text: with the CPU's own graphs, and with the same quantised graphs
on the CPU, which leaves only what float16 between the products changes. No times: an emulator's
say nothing of a phone.

    python benchmarks/qnn.py BUNDLE [--soc SM8750] [--tokens 24] [--prompt 64]
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ondol.bundle import Bundle
from ondol.evaluation.text import evaluation_texts
from ondol.plan import Plan
from ondol.runtime import DecoderSession
from ondol.tokenizer import Tokenizer
from ondol_runtimes._graph import OrtGraph
from ondol_runtimes._package import Package
from ondol_runtimes._static import StaticDecoder, fitted
from ondol_runtimes.cpu import CpuRuntime
from ondol_runtimes.qnn.device import QnnRuntime


def main() -> None:
    """Compare three ways to run a bundle made with --target npu."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--soc", default="SM8750")
    parser.add_argument("--tokens", type=int, default=24, help="that are compared")
    parser.add_argument("--prompt", type=int, default=64, help="tokens before them")
    said = parser.parse_args()
    bundle = Bundle.open(said.bundle)
    model = bundle.decoder
    tokenizer = Tokenizer.open(bundle.file("tokenizer.json"), bos=model.bos, eos=model.eos)
    text = next(text.text for text in evaluation_texts() if text.language == "ko")
    start = [] if tokenizer.bos is None else [tokenizer.bos]
    ids = [*start, *tokenizer.encode(text)][: said.prompt + said.tokens]
    plan = fitted(bundle, Plan(model.context, 2, True, False), wished_context=False).plan
    emulated = _rows(QnnRuntime(said.soc).open(bundle, plan), ids, said.prompt)
    same = _rows(_on_cpu(bundle, plan), ids, said.prompt)
    cpu = _rows(CpuRuntime().open(bundle, plan), ids, said.prompt)
    count = len(emulated)
    print(f"{bundle.name}, {said.soc}: HTP emulator, not run on silicon; {count} tokens after")
    print(f"a prompt of {said.prompt}. The likeliest token is the same as")
    print(f"  on cpu, the bundle's own graphs: {_agreement(emulated, cpu)} of {count}")
    print(f"  on cpu, the same quantised graphs: {_agreement(emulated, same)} of {count}")
    print(f"  (those two on the CPU: {_agreement(same, cpu)} of {count})")
    rms = np.sqrt(np.mean(np.square(emulated - same)) / np.mean(np.square(same)))
    print(f"root mean square difference of logits from the same graphs: {rms:.4f} of their size")


def _on_cpu(bundle: Bundle, plan: Plan) -> StaticDecoder:
    variant = bundle.variant("npu")
    if variant is None:
        raise SystemExit("convert the model with --target npu")
    graphs = [OrtGraph(Package(), bundle, n, plan) for n in (variant.graph, *variant.prefill)]
    return StaticDecoder(bundle, graphs[0], graphs[1:], plan)


def _rows(session: DecoderSession, ids: list[int], prompt: int) -> NDArray[np.float32]:
    with session:
        rows = [session.append(ids[:prompt]).copy()]
        rows += [session.append([token]).copy() for token in ids[prompt:-1]]
    return np.stack(rows)


def _agreement(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> int:
    return int(np.sum(found.argmax(axis=1) == wanted.argmax(axis=1)))


if __name__ == "__main__":
    main()
