"""The device `lowmem`: the tokens of `cpu`, in little memory of its own."""

import json
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from ondol import registry
from ondol.bundle import Bundle
from ondol.errors import DiskFull, NotEnoughMemory
from ondol.plan import Plan
from ondol_runtimes.lowmem import decoder, mapping
from ondol_runtimes.lowmem.device import LowmemRuntime
from tiny_models import CONTEXT, Tiny, expected
from weights import starter_bundle

WORKER = Path(__file__).parents[2] / "private_memory.py"
MB = 10**6


def _logits(bundle: Bundle, device: str, plan: Plan, ids: list[int]) -> list[bytes]:
    with registry.runtime(device).open(bundle, plan) as session:
        made = [session.append(ids[:-4]).tobytes()]
        return made + [session.append([token]).tobytes() for token in ids[-4:]]


@pytest.mark.parametrize("name", ["gemma3", "qwen2_untied", "gptj", "exaone4"])
@pytest.mark.parametrize("memory", [None, 1])
def test_logits_are_those_of_the_cpu_bit_by_bit(
    name: str, memory: int | None, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder, "PIECE_BYTES", 1)
    plan = Plan(CONTEXT, 2, True, False)
    lean = Plan(CONTEXT, 2, True, False, memory=memory)
    ids = expected(name).ids
    assert _logits(tiny(name), "lowmem", lean, ids) == _logits(tiny(name), "cpu", plan, ids)


def test_nothing_is_left_on_the_disk(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDOL_HOME", str(tmp_path))
    with LowmemRuntime().open(tiny("gemma3"), Plan(CONTEXT, 1, True, False)) as session:
        assert list((tmp_path / "lowmem").iterdir()) == []
        assert session.append([1]).shape == (session.vocabulary,)


STOPPED = """
import sys, time
from pathlib import Path
from ondol.bundle import Bundle
from ondol.plan import Plan
from ondol_runtimes.lowmem import mapping
from ondol_runtimes.lowmem.device import LowmemRuntime

def wait(*_):
    print("packed", flush=True)
    time.sleep(60)

mapping._open = wait
LowmemRuntime().open(Bundle.open(Path(sys.argv[1])), Plan(int(sys.argv[2]), 1, True, False))
"""


def test_what_a_process_killed_while_opening_left_goes_at_the_next_opening(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDOL_HOME", str(tmp_path))
    bundle, room = tiny("gemma3"), tmp_path / "lowmem"
    command = [sys.executable, "-c", STOPPED, str(bundle.path), str(CONTEXT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "packed\n"
        (folder,) = room.glob("open-*")
        with LowmemRuntime().open(bundle, Plan(CONTEXT, 1, True, False)):
            assert list(room.glob("open-*")) == [folder]  # of a process that is alive
        process.kill()
    assert (folder / "0" / mapping.PACKED).exists()
    with LowmemRuntime().open(bundle, Plan(CONTEXT, 1, True, False)):
        assert list(room.iterdir()) == []


def test_a_disk_without_room_is_said(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setenv("ONDOL_HOME", str(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 0))
    with pytest.raises(DiskFull, match="ONDOL_HOME"):
        LowmemRuntime().open(tiny("gemma3"), Plan(CONTEXT, 1, True, False))


def test_a_budget_below_what_it_needs_is_refused(tiny: Tiny) -> None:
    with pytest.raises(NotEnoughMemory, match="--memory"):
        LowmemRuntime().fit(tiny("gemma3"), Plan(CONTEXT, 1, True), 30 * MB, False)


@pytest.mark.weights
@pytest.mark.skipif(sys.platform != "linux", reason="private memory is read from /proc")
def test_qwen_keeps_to_250_mb_of_its_own_with_the_tokens_of_the_cpu() -> None:
    path = str(starter_bundle("qwen").path)

    def run(*arguments: str) -> dict[str, list[int]]:
        command = [sys.executable, str(WORKER), path, *arguments]
        found: dict[str, list[int]] = json.loads(
            subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
        )
        return found

    lean, usual = run("lowmem", str(300 * MB)), run("cpu", "0")
    assert lean["tokens"] == usual["tokens"]
    assert lean["private"][0] <= 250 * MB
    assert lean["peak"][0] <= 300 * MB
    assert usual["private"][0] > 600 * MB
