"""The starter weights on onert; benchmarks/one.py says more. Not run on silicon."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ondol.bundle import Bundle
from ondol.encoder import Encoder
from ondol.engine import Engine
from ondol.evaluation.scoring import OpenModel, score
from ondol.evaluation.text import evaluation_texts
from ondol.plan import Plan
from ondol.prompt import Prompt
from ondol.runtime import Runtime
from ondol.starter import E5, GEMMA
from ondol.tokenizer import Tokenizer
from ondol_converters.recipe import Options, VocabularyCut
from ondol_converters.starters import convert_starter
from ondol_runtimes.one.device import OneRuntime
from ondol_runtimes.reference import ReferenceRuntime
from weights import gguf_path

pytest.importorskip("onert", reason="no wheel of onert for this machine")

PLAN = Plan(256, 1, True, False)
COMPACT: VocabularyCut = "ko-en-compact"


def greedy(bundle: Bundle, device: str, prompt: str, count: int) -> Sequence[int]:
    with Engine.open(bundle, device=device, context=128, threads=1) as engine:
        logits = engine.session.append(engine.tokenizer.encode_prompt(Prompt.plain(prompt)))
        made = [int(logits.argmax())]
        while len(made) < count:
            made.append(int(engine.session.append(made[-1:]).argmax()))
    return made


def bits(bundle: Bundle, runtime: Runtime) -> float:
    facts = bundle.decoder
    tokenizer = Tokenizer(bundle.read("tokenizer.json"), bos=facts.bos, eos=facts.eos)
    text = next(text.text for text in evaluation_texts() if text.language == "ko")[:200]
    with runtime.open(bundle, PLAN) as session:
        return score(OpenModel(session, tokenizer), text).bits_per_character


@pytest.mark.weights
def test_a_whole_decoder_says_what_it_says_on_the_cpu(tmp_path: Path) -> None:
    gguf_path("gemma")
    options = Options("float32", vocabulary=COMPACT, target="one")
    bundle = convert_starter(GEMMA, tmp_path / "float", options=options).bundle
    cpu, one = (greedy(bundle, device, "대한민국의 수도는", 40) for device in ("cpu", "one"))
    assert cpu == one and len(set(cpu)) > 10


@pytest.mark.weights
def test_q4_0_loses_what_its_quantiser_loses(tmp_path: Path) -> None:
    """Beside the same blocks dequantised: 0.14 % of 600 characters, and 22 % of the quantiser."""
    gguf_path("gemma")
    options = Options("int4", method="nearest", vocabulary=COMPACT, target="one")
    done = convert_starter(GEMMA, tmp_path / "q4", options=options)
    assert done.one is not None and "q4_0" in done.one.kinds
    dequantised = bits(done.bundle, ReferenceRuntime("float32"))
    assert bits(done.bundle, OneRuntime()) == pytest.approx(dequantised, rel=0.01)


@pytest.mark.weights
def test_e5_gives_the_cpus_vectors(tmp_path: Path) -> None:
    gguf_path("e5")
    options = Options("auto", vocabulary="ko-en", target="one")
    done = convert_starter(E5, tmp_path / "e5", options=options)
    assert done.one is not None and done.one.inexact == ()
    texts = ["온돌은 방바닥을 데우는 난방이다.", "서울은 수도이다.", "The capital of Korea."]
    with Encoder.open(done.bundle) as cpu, Encoder.open(done.bundle, device="one") as one:
        wanted, found = cpu.embed(texts), one.embed(texts)
    assert np.abs(wanted - found).max() <= 0.005  # 8-bit activations on both: 0.0015 seen
    order = np.argsort(wanted @ wanted.T, axis=1)
    assert np.array_equal(order, np.argsort(found @ found.T, axis=1))
