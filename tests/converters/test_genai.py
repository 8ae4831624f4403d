"""onnxruntime-genai itself opens our bundles and gives our tokens, in its own environment."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from genai_environment import needs_genai, python
from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol_converters.conversion import convert
from ondol_converters.families import family
from ondol_converters.genai import CONFIG, TOKENIZER_CONFIG
from ondol_converters.recipe import Options
from tiny_models import CONTEXT, MODELS, NAMES, Tiny
from weights import starter_bundle

ROOT = Path(__file__).parents[2]
WORKER = ROOT / "tests" / "genai_worker.py"
COUNT, LOGITS = 12, 512

TEXTS = [
    "대한민국의 수도는 어디인가요? Hello",
    "뷁똠방각하 😀 漢字 가나다",
    " 두 칸  띄기\n\n새 줄 1234 def f(x):\n    return None",
]


@dataclass(frozen=True, slots=True)
class Answer:
    logits: list[float]
    tokens: list[int]
    ids: list[list[int]]


def genai(bundle: Bundle, ids: list[int], texts: list[str], count: int = COUNT) -> Answer:
    asked = json.dumps({"ids": ids, "logits": LOGITS, "count": count, "texts": texts})
    alone = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [python(), str(WORKER), str(bundle.path), asked],
        capture_output=True,
        text=True,
        timeout=240,
        env={**alone, "ORT_DISABLE_TELEMETRY": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answer = json.loads(done.stdout.splitlines()[-1])
    return Answer(answer["logits"], answer["tokens"], answer["ids"])


def greedy(engine: Engine, ids: list[int], count: int = COUNT) -> list[int]:
    tokens: list[int] = []
    logits = engine.session.append(ids)
    while len(tokens) < count:
        tokens.append(int(logits.argmax()))
        if tokens[-1] in engine.bundle.decoder.eos:
            break
        logits = engine.session.append(tokens[-1:])
    return tokens


def prompt(vocabulary: int, length: int) -> list[int]:
    return [(13 * i + 5) % (vocabulary - 8) + 4 for i in range(length)]


@needs_genai
@pytest.mark.parametrize("name", NAMES)
def test_genai_gives_our_greedy_tokens(name: str, tiny: Tiny) -> None:
    bundle = tiny(name, "float32")
    ids = prompt(bundle.manifest.model.vocabulary, 24)
    with Engine.open(bundle, threads=1) as engine:
        logits = engine.session.append(ids)[:LOGITS].tolist()
        engine.session.rewind(0)
        ours = greedy(engine, ids)
    answer = genai(bundle, ids, [])
    assert answer.tokens == ours
    assert answer.logits == pytest.approx(logits, rel=1e-3, abs=1e-3)


@needs_genai
def test_genai_runs_a_cache_in_8_bits(tmp_path: Path) -> None:
    options = Options(weights="float32", context=CONTEXT, kv_cache="int8")
    bundle = convert(MODELS / "gemma3", tmp_path / "bundle", options=options).bundle
    ids = prompt(bundle.decoder.vocabulary, 24)
    with Engine.open(bundle, threads=1) as engine:
        ours = greedy(engine, ids)
    assert genai(bundle, ids, []).tokens == ours


@needs_genai
def test_genai_reads_our_tokenizer(tiny: Tiny) -> None:
    bundle = tiny("qwen2")
    with Engine.open(bundle, threads=1) as engine:
        ours = [engine.tokenizer.encode(text) for text in TEXTS]
    assert genai(bundle, [5, 6], TEXTS, 1).ids == ours


@needs_genai
@pytest.mark.weights
@pytest.mark.parametrize("name", ["gemma", "qwen"])
def test_genai_runs_the_starters(name: str) -> None:
    bundle = starter_bundle(name)
    with Engine.open(bundle) as engine:
        bos = [] if engine.tokenizer.bos is None else [engine.tokenizer.bos]
        ids = [*bos, *engine.tokenizer.encode("대한민국의 수도는 서울이며, 가장 큰 항구 도시는")]
        ours = greedy(engine, ids)
        texts = [engine.tokenizer.encode(text) for text in TEXTS]
    answer = genai(bundle, ids, TEXTS)
    assert answer.tokens == ours
    assert answer.ids == texts


@pytest.mark.parametrize("name", NAMES)
def test_the_config_says_what_the_manifest_says(name: str, tiny: Tiny) -> None:
    bundle = tiny(name)
    bundle.verify([CONFIG, TOKENIZER_CONFIG])
    config = json.loads(bundle.file(CONFIG).read_bytes())
    facts, model = bundle.decoder, config["model"]
    variant = bundle.variant("cpu")
    assert variant is not None and model["decoder"]["filename"] == variant.graph
    assert model["vocab_size"] == facts.vocabulary and model["eos_token_id"] == list(facts.eos)
    assert model["context_length"] == facts.context == config["search"]["max_length"]
    decoder = model["decoder"]
    assert (decoder["num_hidden_layers"], decoder["head_size"]) == (facts.layers, facts.head_dim)
    assert decoder["num_key_value_heads"] == facts.kv_heads
    shapes = json.loads((ROOT / f"tests/fixtures/models/{name}/config.json").read_bytes())
    shapes = family(facts.model_type).common(shapes)
    assert decoder["hidden_size"] == shapes["hidden_size"]
    assert decoder["num_attention_heads"] == shapes["num_attention_heads"]
