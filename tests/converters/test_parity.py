"""What a converted model computes, against transformers' numbers for the same weights."""

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from differences import error, rms
from ondol import registry
from ondol.bundle import Bundle
from ondol.plan import Plan
from ondol.runtime import DecoderSession, Runtime
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options, Weights
from ondol_runtimes.reference import ReferenceRuntime
from tiny_gguf import GGUF_NAMES, write_gguf
from tiny_models import CONTEXT, MODELS, NAMES, Expected, Tiny, expected

# Float32 sums in another order: 1.6e-6 was the most seen. Any wrong formula is off by 1e-2.
FLOAT = 2e-5
# 8-bit weights on random models, which are far more sensitive than trained ones: 0.037 seen.
EIGHT_BITS = 0.06
# The kernel also rounds activations to 8 bits: 0.024 of the logits' own size seen.
ACTIVATIONS = 0.05

UNSAID: dict[str, dict[str, Any]] = {
    "gemma3": {"query_pre_attn_scalar": 32},
    "qwen2_untied": {"use_sliding_window": False},
}
"""What no key of GGUF says, as its readers take it to be."""

Gguf = Callable[..., Bundle]


@pytest.fixture(scope="module")
def from_gguf(tmp_path_factory: pytest.TempPathFactory) -> Gguf:
    root = tmp_path_factory.mktemp("gguf")

    @cache
    def make(name: str, kind: str = "F32", weights: Weights = "float32") -> Bundle:
        source = write_gguf(name, root / f"{name}-{kind}.gguf", kind)
        options = Options(weights=weights, context=CONTEXT)
        return convert(source, root / f"{name}-{kind}-{weights}", options=options).bundle

    return make


def cpu(bundle: Bundle, integer: bool = True) -> DecoderSession:
    return registry.runtime("cpu").open(bundle, Plan(CONTEXT, 1, integer, False))


def oracle(bundle: Bundle) -> DecoderSession:
    return ReferenceRuntime().open(bundle, Plan(CONTEXT, 1, True, False))


def stepped(session: DecoderSession, known: Expected) -> NDArray[np.float32]:
    """Logits of the last tokens one by one, after all before them in one go."""
    count = len(known.steps)
    session.append(known.ids[:-count])
    return np.stack([session.append([token]).copy() for token in known.ids[-count:]])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("device", ["cpu", "reference"])
def test_one_pass_gives_what_transformers_gives(device: str, name: str, tiny: Tiny) -> None:
    runtime: Runtime = registry.runtime(device)
    known = expected(name)
    with runtime.open(tiny(name, "float32"), Plan(CONTEXT, 1, True, False)) as session:
        assert error(session.append_all(known.ids), known.prefill) <= FLOAT
        session.rewind(0)
        assert error(session.append(known.ids), known.prefill[-1]) <= FLOAT


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("integer", [True, False], ids=["integer", "float"])
def test_steps_give_what_transformers_gives(name: str, integer: bool, tiny: Tiny) -> None:
    known = expected(name)
    with cpu(tiny(name, "float32"), integer) as session:
        assert error(stepped(session, known), known.steps) <= FLOAT
        session.rewind(20)
        rest = session.append_all(known.ids[20:])
        assert error(rest, known.prefill[20:]) <= FLOAT


@pytest.mark.parametrize("name", NAMES)
def test_every_token_by_itself_gives_the_same(name: str, tiny: Tiny) -> None:
    known = expected(name)
    with cpu(tiny(name, "float32")) as session:
        rows = np.stack([session.append([token]).copy() for token in known.ids])
    assert error(rows, known.prefill) <= FLOAT


@pytest.mark.parametrize("name", NAMES)
def test_the_float_prefill_fills_the_same_cache(name: str, tiny: Tiny) -> None:
    known = expected(name)
    tail = known.ids[-8:]
    with cpu(tiny(name, "float32"), integer=False) as session:
        session.append([5, 6, 7])  # what is rewound must not be seen again
        session.rewind(0)
        session.append(known.ids[:-8])
        assert error(session.append_all(tail), known.prefill[-8:]) <= FLOAT


@pytest.mark.parametrize("name", NAMES)
def test_eight_bits_stay_near_the_source(name: str, tiny: Tiny) -> None:
    known = expected(name)
    with oracle(tiny(name)) as session:
        exact = session.append_all(known.ids).copy()
        assert error(exact, known.prefill) <= EIGHT_BITS
        session.rewind(0)
        steps = stepped(session, known)
    for integer in (True, False):
        with cpu(tiny(name), integer) as session:
            assert rms(session.append_all(known.ids), exact) <= ACTIVATIONS
            session.rewind(0)
            assert rms(stepped(session, known), steps) <= ACTIVATIONS


@pytest.mark.parametrize("name", [n for n in GGUF_NAMES if n not in UNSAID])
def test_a_gguf_gives_what_transformers_gives(name: str, from_gguf: Gguf) -> None:
    known = expected(name)
    with cpu(from_gguf(name)) as session:
        assert error(session.append_all(known.ids), known.prefill) <= FLOAT
        session.rewind(0)
        assert error(stepped(session, known), known.steps) <= FLOAT


@pytest.mark.parametrize("name", UNSAID)
def test_a_gguf_gives_what_its_folder_gives(name: str, from_gguf: Gguf, tmp_path: Path) -> None:
    known, folder = expected(name), tmp_path / "folder"
    shutil.copytree(MODELS / name, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **UNSAID[name]}))
    options = Options(weights="float32", context=CONTEXT)
    bundle = convert(folder, tmp_path / "bundle", options=options).bundle
    with cpu(from_gguf(name)) as one, cpu(bundle) as other:
        assert error(one.append_all(known.ids), other.append_all(known.ids)) <= FLOAT


@pytest.mark.parametrize("kind", ["Q4_0", "Q5_0", "Q8_0"])
def test_quantised_blocks_are_carried_over_exactly(kind: str, from_gguf: Gguf) -> None:
    known = expected("qwen2")
    packed, expanded = from_gguf("qwen2", kind, "auto"), from_gguf("qwen2", kind, "float32")
    assert {m.bits for m in packed.manifest.recipe.matrices} == {4 if kind == "Q4_0" else 8}
    with oracle(packed) as one, oracle(expanded) as other:
        assert error(one.append_all(known.ids), other.append_all(known.ids)) <= 1e-9


def test_a_tied_head_is_one_copy_in_the_file(tiny: Tiny) -> None:
    def weights(name: str) -> tuple[int, int]:
        bundle = tiny(name, "float32")
        return (bundle.path / "weights.bin").stat().st_size, bundle.manifest.model.parameters * 4

    size, parameters = weights("qwen2")
    # A second copy of the embedding would be 70 kB; tables and alignment to pages are the rest
    assert size - parameters < 48 << 10
    size, parameters = weights("qwen2_untied")
    assert size - parameters < 48 << 10


def test_the_source_is_named_in_the_manifest(tiny: Tiny, tmp_path: Path) -> None:
    manifest = tiny("gemma3").manifest
    assert {origin.name for origin in manifest.origins} >= {"model.safetensors", "config.json"}
    assert tiny("gemma3").decoder.bos == 270 and tiny("gemma3").decoder.eos == (271,)
