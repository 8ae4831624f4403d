"""What onert computes of a decoder and of e5, beside the CPU; not run on silicon of Exynos.

Float32: how many of the greedy tokens are the CPU's. Q4_0: bits per character of the circle, of the
same blocks on the CPU (8-bit activations, as onert has them), and of the same blocks dequantised,
in numpy with float32 activations: what is between the first and the last is onert's rounding, what
is between the last and float32 is the quantiser's. e5: the median latency of one text, in turn.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from ondol.bundle import Bundle
from ondol.encoder import Encoder
from ondol.engine import Engine
from ondol.evaluation.scoring import OpenModel, score
from ondol.evaluation.text import evaluation_texts
from ondol.plan import Plan
from ondol.prompt import Prompt
from ondol.runtime import Runtime
from ondol.starter import E5
from ondol.tokenizer import Tokenizer
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options, VocabularyCut
from ondol_converters.starters import convert_starter
from ondol_runtimes.cpu import CpuRuntime
from ondol_runtimes.one.device import OneRuntime
from ondol_runtimes.reference import ReferenceRuntime

PROMPT = "대한민국의 수도는"
TOKENS = 64
CONTEXT = 512
TEXTS = ("온돌은 방바닥을 데우는 한국의 전통 난방이다.", "서울은 대한민국의 수도이다.")
ROUNDS = 30


def main() -> None:
    """Measure a GGUF file or folder, and with --embedder the starter e5."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("model", type=Path, nargs="?", help="a GGUF file or a Hugging Face folder")
    parser.add_argument("--vocabulary", default="ko-en-compact")
    parser.add_argument("--characters", type=int, default=600, help="of the text that is scored")
    parser.add_argument("--embedder", action="store_true")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if said.model:
            _decoder(said.model, Path(folder), said.vocabulary, said.characters)
        if said.embedder:
            _embedder(Path(folder))


def _decoder(model: Path, folder: Path, vocabulary: VocabularyCut, characters: int) -> None:
    text = next(text.text for text in evaluation_texts() if text.language == "ko")[:characters]
    for weights, options in (
        ("float32", Options("float32", target="one", vocabulary=vocabulary)),
        ("Q4_0", Options("int4", method="nearest", target="one", vocabulary=vocabulary)),
    ):
        bundle = convert(model, folder / weights, options=options).bundle
        size = bundle.file("one.circle").stat().st_size
        print(f"{weights}: circle {size / 1e6:.0f} MB, {bundle.decoder.vocabulary} tokens known")
        cpu, one = (_greedy(bundle, device) for device in ("cpu", "one"))
        equal = sum(a == b for a, b in zip(cpu, one, strict=True))
        print(f"  greedy tokens equal to the CPU's: {equal} of {len(cpu)}")
        runtimes: list[tuple[str, Runtime]] = [("one", OneRuntime()), ("cpu", CpuRuntime())]
        if weights != "float32":
            runtimes.append(("dequantised", ReferenceRuntime("float32")))
        for name, runtime in runtimes:
            print(f"  bits/char, {name}: {_bits(bundle, runtime, text):.4f}")


def _greedy(bundle: Bundle, device: str) -> list[int]:
    with Engine.open(bundle, device=device, context=CONTEXT) as engine:
        ids = engine.tokenizer.encode_prompt(Prompt.plain(PROMPT))
        logits, made = engine.session.append(ids), list[int]()
        for _ in range(TOKENS):
            made.append(int(logits.argmax()))
            logits = engine.session.append(made[-1:])
    return made


def _bits(bundle: Bundle, runtime: Runtime, text: str) -> float:
    facts = bundle.decoder
    source = bundle.read("tokenizer.json")
    tokenizer = Tokenizer(source, bos=facts.bos, eos=facts.eos)
    with runtime.open(bundle, Plan(CONTEXT, 2, True, False)) as session:
        return score(OpenModel(session, tokenizer), text).bits_per_character


def _embedder(folder: Path) -> None:
    for weights in ("int8", "auto", "float32"):
        options = Options(weights, target="one", vocabulary="ko-en")
        bundle = convert_starter(E5, folder / f"e5-{weights}", options=options).bundle
        with Encoder.open(bundle) as cpu, Encoder.open(bundle, device="one") as one:
            error = float(np.abs(cpu.embed(TEXTS) - one.embed(TEXTS)).max())
            pairs = [(_seconds(one), _seconds(cpu)) for _ in range(ROUNDS)]
        ratio = statistics.median(mine / theirs for mine, theirs in pairs)
        print(f"e5 {weights}: vectors differ by {error:.1e}, latency {ratio:.2f} x the CPU's")


def _seconds(encoder: Encoder) -> float:
    start = time.perf_counter()
    encoder.embed(TEXTS[:1])
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
