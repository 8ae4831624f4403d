"""Decoders on onert: transformers' numbers, the same tokens as the CPU, errors with its words."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from circle_runner import unloadable
from differences import error, rms
from ondol import registry
from ondol.bundle import Bundle, entry_of
from ondol.engine import Engine
from ondol.errors import CorruptBundle, DeviceUnavailable
from ondol.manifest import MANIFEST
from ondol.packing import pack
from ondol.plan import Plan
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options
from tiny_gguf import write_gguf
from tiny_models import CIRCLES, CONTEXT, Tiny, expected

pytest.importorskip("onert", reason="no wheel of onert for this machine")

PLAN = Plan(CONTEXT, 1, True, False)
FLOAT = 2e-5  # float32 sums in another order: 2.5e-6 was the most seen
ROUNDED = 0.04  # activations of 8 bits on both devices, each rounded in its own way: 0.014 seen


@pytest.mark.parametrize("name", CIRCLES)
def test_prompts_then_steps_give_what_transformers_gives(name: str, tiny: Tiny) -> None:
    known = expected(name)
    with registry.runtime("one").open(tiny(name, "float32", "one"), PLAN) as session:
        rows = session.append_all(known.ids)
        assert error(rows, known.prefill[: len(known.ids)]) <= FLOAT
        session.rewind(0)
        # 40 are a full bucket and a padded one; then one, and few, by themselves
        for stop in (40, 41, 44, len(known.ids)):
            last = session.append(known.ids[session.length : stop])
            assert error(last, known.prefill[stop - 1]) <= FLOAT


@pytest.mark.parametrize("context", [40, 97])
def test_a_shorter_context_is_the_same_model(context: int, tiny: Tiny) -> None:
    known = expected("gemma3")
    plan = replace(PLAN, context=context)
    with registry.runtime("one").open(tiny("gemma3", "float32", "one"), plan) as session:
        last = session.append(known.ids[:context][:64])
        assert error(last, known.prefill[min(context, 64) - 1]) <= FLOAT


def test_the_cache_grows_with_the_conversation(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ondol_runtimes.one.decoder.ROOM", 10)
    known = expected("gemma3")
    with registry.runtime("one").open(tiny("gemma3", "float32", "one"), PLAN) as session:
        for stop in (3, 10, 11, 40, 50, len(known.ids)):
            last = session.append(known.ids[session.length : stop])
            assert error(last, known.prefill[stop - 1]) <= FLOAT
        session.rewind(5)
        rows = session.append_all(known.ids[5:])
        assert error(rows, known.prefill[5 : len(known.ids)]) <= FLOAT


@pytest.mark.parametrize("name", ["gemma3", "llama3", "qwen2"])
def test_greedy_tokens_are_those_of_the_cpu(name: str, tiny: Tiny) -> None:
    bundle = tiny(name, "float32", "one")
    wrote = []
    for device in ("cpu", "one"):
        with Engine.open(bundle, device=device, threads=1) as engine:
            wrote.append([int(engine._append([token]).argmax()) for token in [3, *range(9)]])
            for _ in range(40):
                wrote[-1].append(int(engine._append([wrote[-1][-1]]).argmax()))
    assert wrote[0] == wrote[1]


@pytest.mark.parametrize("kind", ["Q4_0", "Q8_0"])
def test_blocks_of_ggml_are_near_the_cpu(kind: str, tmp_path: Path) -> None:
    source = write_gguf("gemma3", tmp_path / "tiny.gguf", kind)
    options = Options(target="one", context=CONTEXT)
    done = convert(source, tmp_path / "bundle", options=options)
    assert done.one is not None and kind.lower() in done.one.kinds and done.one.inexact == ()
    ids = expected("gemma3").ids
    with registry.runtime("one").open(done.bundle, PLAN) as session:
        found = session.append_all(ids)
    with registry.runtime("reference").open(done.bundle, PLAN) as session:
        wanted = session.append_all(ids)
    assert 0 < rms(found, wanted) <= ROUNDED


def test_a_bundle_for_others_says_how_to_convert(tiny: Tiny) -> None:
    with pytest.raises(DeviceUnavailable, match="no circle file") as caught:
        registry.runtime("one").open(tiny("gemma3"), PLAN)
    assert "--target one" in caught.value.fix


def test_a_bundle_of_one_file_is_to_be_unpacked(tiny: Tiny, tmp_path: Path) -> None:
    path = tmp_path / "qwen2.ondol"
    pack(tiny("qwen2", "auto", "one"), path)
    with pytest.raises(DeviceUnavailable, match="cannot read") as caught:
        registry.runtime("one").open(Bundle.open(path), PLAN)
    assert caught.value.fix == f"ondol unpack {path}"


def test_two_sessions_in_two_threads_do_not_mix(tiny: Tiny) -> None:
    bundle, ids = tiny("gemma3", "auto", "one"), expected("gemma3").ids
    runtime, starts = registry.runtime("one"), (0, 9)
    with runtime.open(bundle, PLAN) as session:
        wanted = []
        for start in starts:
            session.rewind(0)
            wanted.append([session.append([token]).copy() for token in ids[start : start + 30]])

    def work(start: int) -> list[np.ndarray]:
        with runtime.open(bundle, PLAN) as session:
            return [session.append([token]).copy() for token in ids[start : start + 30]]

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(work, starts))
    assert all(np.array_equal(a, b) for a, b in zip(wanted, found, strict=True))


def copied(bundle: Bundle, folder: Path, name: str, change: Callable[[Path], bytes]) -> Bundle:
    """The bundle with one of its files changed, and a manifest that agrees with it."""
    folder.mkdir()
    for entry in bundle.manifest.files:
        (folder / entry.path).write_bytes(bundle.read(entry.path))
    (folder / name).write_bytes(change(folder / name))
    files = tuple(entry_of(folder, entry.path) for entry in bundle.manifest.files)
    (folder / MANIFEST).write_text(replace(bundle.manifest, files=files).to_json(), "utf-8")
    return Bundle.open(folder)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda path: path.read_bytes()[:4000], "the tables do not hold"),
        (lambda path: path.read_bytes()[:-1], "ends behind the file"),
        (lambda path: b"no circle" * 99, "the tables do not hold"),
        (lambda path: b"\0" * 99, "onert: SIG"),
        (unloadable, "ShapeValidator"),
    ],
)
def test_a_file_that_would_end_onert_is_a_named_error(
    change: Callable[[Path], bytes],
    why: str,
    tiny: Tiny,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    bundle = tiny("qwen2", "auto", "one")
    broken = copied(bundle, tmp_path / "b", "one.circle", change)
    with pytest.raises(CorruptBundle, match=r"one\.circle cannot be loaded") as caught:
        registry.runtime("one").open(broken, PLAN)
    assert why in caught.value.why
    assert capfd.readouterr() == ("", "")
    with registry.runtime("one").open(bundle, PLAN) as session:
        assert np.isfinite(session.append([1])).all()


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"wanted"', b'"vanted"'), (b'"logits"', b'"lagits"'), (b'"inexact"', b'"inexakt"')],
)
def test_a_circle_of_another_model_is_refused(
    old: bytes, new: bytes, tiny: Tiny, tmp_path: Path
) -> None:
    bundle = tiny("qwen2", "auto", "one")
    broken = copied(
        bundle, tmp_path / "b", "one.json", lambda path: path.read_bytes().replace(old, new)
    )
    with pytest.raises(CorruptBundle):
        registry.runtime("one").open(broken, PLAN)


def test_a_flipped_bit_is_found_before_onert_reads(tiny: Tiny, tmp_path: Path) -> None:
    bundle = copied(tiny("qwen2", "auto", "one"), tmp_path / "b", "one.json", Path.read_bytes)
    raw = bytearray((bundle.path / "one.circle").read_bytes())
    raw[-5] ^= 1
    (bundle.path / "one.circle").write_bytes(raw)
    with pytest.raises(CorruptBundle, match=r"one\.circle"):
        registry.runtime("one").open(bundle, PLAN)
