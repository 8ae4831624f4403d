"""What a hub, a disk or a user refuses while a model is fetched, and hostile answers."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hub_server import COMMIT, REPOSITORY, Hub
from ondol.errors import (
    Busy,
    CorruptSource,
    DiskFull,
    DownloadCorrupt,
    HubError,
    HubUnreachable,
    ModelGated,
    ModelNotFound,
    NotAllowed,
    OptionError,
    PolicyForbids,
)
from ondol.files import locked
from ondol_converters.conversion import convert
from ondol_converters.hub import download
from ondol_converters.hub.record import NAME
from ondol_converters.hub.reference import Reference
from ondol_converters.recipe import Options
from tiny_gguf import write_gguf

pytest.importorskip("huggingface_hub")
from ondol_converters.hub.pulling import Pulled, default_folder, pull

WEIGHTS = "model.safetensors"
REFERENCE = Reference("maker", "tiny-ko")


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def partial(folder: Path) -> Path:
    (found,) = folder.glob(f".{WEIGHTS}.*.incomplete")
    return found


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("hf:maker/other", ModelNotFound),
        ("hf:maker/tiny-ko@v9", ModelNotFound),
    ],
)
def test_what_is_not_there_is_said(
    hub: Hub, tmp_path: Path, name: str, kind: type[HubError]
) -> None:
    with pytest.raises(kind) as caught:
        pull(Reference.parse(name), tmp_path / "m")
    assert name.partition("@")[0] in caught.value.what and caught.value.fix


@pytest.mark.parametrize("gate", [(401, "GatedRepo"), (403, "GatedRepo"), (403, ""), (401, "")])
def test_a_gated_model_says_how_to_get_in(hub: Hub, tmp_path: Path, gate: tuple[int, str]) -> None:
    hub.gate = gate
    with pytest.raises(ModelGated) as caught:
        pull(REFERENCE, tmp_path / "m")
    assert f"{hub.address}/{REPOSITORY}" in caught.value.fix and "--token" in caught.value.fix


def test_a_failing_hub_is_asked_a_few_times(hub: Hub, tmp_path: Path) -> None:
    hub.gate = (500, "")
    with pytest.raises(HubUnreachable, match="500"):
        pull(REFERENCE, tmp_path / "m")
    assert len(hub.asked("LICENSE")) == download.ATTEMPTS


def test_nobody_at_the_address(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubUnreachable):
        pull(REFERENCE, tmp_path / "m")


def test_no_hub_at_the_address(hub: Hub, tmp_path: Path) -> None:
    hub.listing = {"sha": "main"}
    with pytest.raises(DownloadCorrupt, match="HF_ENDPOINT"):
        pull(REFERENCE, tmp_path / "m")
    hub.listing = {"siblings": [{"rfilename": "model.safetensors"}]}
    with pytest.raises(DownloadCorrupt):
        pull(REFERENCE, tmp_path / "m")


def test_a_token_is_sent_only_when_asked_for(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    saved = tmp_path / "saved"
    saved.write_text("hf_saved")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(saved))
    pull(REFERENCE, tmp_path / "a")
    assert {each.token for each in hub.requests} == {None}
    pull(REFERENCE, tmp_path / "b", with_token=True)
    assert {each.token for each in hub.requests} == {None, "Bearer hf_saved"}
    saved.unlink()
    with pytest.raises(OptionError, match="token"):
        pull(REFERENCE, tmp_path / "c", with_token=True)
    hub.requests.clear()
    monkeypatch.setenv("HF_TOKEN", "hf_said")
    pull(REFERENCE, tmp_path / "c")
    assert {each.token for each in hub.requests} == {"Bearer hf_said"}


@pytest.mark.parametrize("name", ["ONDOL_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_means_no_request(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(NotAllowed, match=name):
        pull(REFERENCE, tmp_path / "m")
    assert hub.requests == [] and not (tmp_path / "m").exists()


def test_gguf_files_are_chosen_by_name(hub: Hub, tmp_path: Path) -> None:
    write_gguf("qwen3", tmp_path / "a.gguf")
    data = (tmp_path / "a.gguf").read_bytes()
    hub.files = {"LICENSE": b"x", "a.gguf": data, "b.gguf": data}
    hub.lfs = frozenset({"a.gguf", "b.gguf"})
    with pytest.raises(ModelNotFound, match="--file a.gguf"):
        pull(REFERENCE, tmp_path / "m")
    with pytest.raises(ModelNotFound, match="a.gguf, b.gguf"):
        pull(REFERENCE, tmp_path / "m", file="c.gguf")
    one = pull(REFERENCE, tmp_path / "m", file="b.gguf")
    assert one.path.name == "b.gguf" and "a.gguf" not in left(tmp_path / "m")
    pull(REFERENCE, tmp_path / "m", file="a.gguf")
    assert {"a.gguf", "b.gguf"} <= left(tmp_path / "m")
    manifest = convert(one.path, tmp_path / "x", options=Options(context=64)).bundle.manifest
    assert manifest.provenance == f"{hub.address}/{REPOSITORY}@{COMMIT}"
    del hub.files["b.gguf"]
    assert pull(REFERENCE, tmp_path / "n").path.name == "a.gguf"


def test_pickles_are_nothing_to_convert(hub: Hub, tmp_path: Path) -> None:
    del hub.files[WEIGHTS]
    with pytest.raises(ModelNotFound, match="pickle"):
        pull(REFERENCE, tmp_path / "m")


@pytest.mark.parametrize(
    "lie",
    [
        {"rfilename": "1_Pooling/../../config.json", "size": 1, "blobId": "0" * 40},
        {"rfilename": "config.json", "size": 1, "blobId": None},
        {"rfilename": "config.json", "size": -1, "blobId": "0" * 40},
        {"rfilename": "config.json", "size": 1 << 60, "blobId": "0" * 40},
        {"rfilename": "config.json", "size": "1", "blobId": ["0"]},
    ],
)
def test_a_hostile_listing_is_refused(hub: Hub, tmp_path: Path, lie: dict[str, Any]) -> None:
    honest = [each for each in hub.siblings() if each["rfilename"] != lie["rfilename"]]
    hub.listing = {"siblings": [*honest, lie]}
    if "/" in lie["rfilename"]:
        pull(REFERENCE, tmp_path / "m")  # not among what a conversion reads, so never asked for
        assert not hub.asked("../../config.json")
        return
    with pytest.raises(DownloadCorrupt):
        pull(REFERENCE, tmp_path / "m")
    assert not hub.asked("config.json")


def test_more_than_was_listed_is_refused(hub: Hub, tmp_path: Path) -> None:
    listed = hub.siblings()
    hub.listing = {"siblings": listed}
    hub.files["config.json"] *= 2
    with pytest.raises(DownloadCorrupt):
        pull(REFERENCE, tmp_path / "m")


def test_a_disk_without_room_is_noticed_first(hub: Hub, tmp_path: Path) -> None:
    listed = hub.siblings()
    for each in listed:
        if each["rfilename"] == WEIGHTS:
            each["lfs"]["size"] = 1 << 49
    hub.listing = {"siblings": listed}
    with pytest.raises(DiskFull, match="MB are needed"):
        pull(REFERENCE, tmp_path / "m")
    assert not any(each.path.startswith(f"/{REPOSITORY}/resolve") for each in hub.requests)


FULL = """
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
from ondol.errors import DiskFull
from ondol_converters.hub.pulling import pull
from ondol_converters.hub.reference import Reference
try:
    pull(Reference("maker", "tiny-ko"), Path(sys.argv[1]))
except DiskFull as exc:
    print("full", exc.fix)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of this kind there")
def test_a_disk_that_fills_up_keeps_what_came(hub: Hub, tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path / "m")]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=True)
    assert done.stdout.startswith("full"), done.stderr
    assert partial(tmp_path / "m").stat().st_size == 100_000
    assert pull(REFERENCE, tmp_path / "m").path.is_dir()
    assert hub.asked(f"cdn/{WEIGHTS}")[-1].range == "bytes=100000-"


def test_nothing_of_the_users_is_replaced(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text("mine")
    with pytest.raises(OptionError, match="--out"):
        pull(REFERENCE, tmp_path / "mine")
    assert (tmp_path / "mine" / "config.json").read_text() == "mine" and hub.requests == []


def test_two_pulls_of_one_folder(hub: Hub, tmp_path: Path) -> None:
    with locked(tmp_path / "m"), pytest.raises(Busy):
        pull(REFERENCE, tmp_path / "m")
    assert hub.requests == []


def test_a_record_that_leads_out_of_the_folder_removes_nothing(hub: Hub, tmp_path: Path) -> None:
    got: Pulled = pull(REFERENCE, tmp_path / "m")
    (tmp_path / "precious").write_text("x")
    record = json.loads((got.path / NAME).read_text())
    record["files"][0]["path"] = "../precious"
    (got.path / NAME).write_text(json.dumps(record))
    with pytest.raises(CorruptSource):
        pull(REFERENCE, tmp_path / "m")
    assert (tmp_path / "precious").exists()


@pytest.mark.parametrize(
    "text",
    ["", "hf:", "hf:gpt2", "maker/name", "hf:a/b/c", "hf:a/../b", "hf:a/b@", "hf:a/b@x y",
     "hf:a/b@../c", "hf:../b", "hf:a/b\n", "hf:-a/b", "hf:a/b@-x"],
)  # fmt: skip
def test_what_names_no_model(text: str) -> None:
    with pytest.raises(OptionError):
        Reference.parse(text)


def test_what_names_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDOL_HOME", str(tmp_path))
    found = Reference.parse("hf:naver-hyperclovax/HyperCLOVAX-SEED-Text-Instruct-0.5B@refs/pr/1")
    assert found.revision == "refs/pr/1" and found.owner == "naver-hyperclovax"
    assert default_folder(found) == tmp_path / "models" / found.owner / found.name
    assert str(Reference.parse("hf:a/b")) == "hf:a/b@main"
    assert issubclass(NotAllowed, HubError)


@pytest.mark.parametrize(
    ("card", "named"),
    [
        ({"license": "cc-by-nc-4.0"}, "cc-by-nc-4.0"),
        ({"license": "other", "license_name": "exaone"}, "exaone"),
    ],
)
def test_a_licence_that_the_policy_forbids_is_not_fetched(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, card: dict[str, str], named: str
) -> None:
    hub.listing["cardData"] = card
    assert pull(REFERENCE, tmp_path / "allowed").licence == named
    hub.requests.clear()
    monkeypatch.setenv("ONDOL_CONFIG", str(tmp_path))
    (tmp_path / "ondol-policy.toml").write_text('licences = ["commercial", "conditional"]')
    with pytest.raises(PolicyForbids, match="research-only"):
        pull(REFERENCE, tmp_path / "m")
    assert not hub.asked("config.json") and not (tmp_path / "m" / "config.json").exists()
