"""Fetching a model from a hub: whole, in pieces, refused, and never anything but what it lists."""

from pathlib import Path

import pytest

from hub_server import COMMIT, REPOSITORY, Hub
from ondol.errors import (
    CorruptSource,
    DownloadCorrupt,
    HubUnreachable,
)
from ondol_converters.conversion import convert
from ondol_converters.hub.record import NAME, Record
from ondol_converters.hub.reference import Reference
from ondol_converters.recipe import Options

pytest.importorskip("huggingface_hub")
from ondol_converters.hub.pulling import pull

WEIGHTS = "model.safetensors"
REFERENCE = Reference("maker", "tiny-ko")


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def partial(folder: Path) -> Path:
    (found,) = folder.glob(f".{WEIGHTS}.*.incomplete")
    return found


def test_what_a_conversion_needs_comes_whole(hub: Hub, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    got = pull(REFERENCE, tmp_path / "m", progress=lambda *each: seen.append(each))
    assert left(got.path) == {
        "LICENSE", "config.json", WEIGHTS, "tokenizer.json", "tokenizer_config.json", NAME,
    }  # fmt: skip
    assert all((got.path / each.path).read_bytes() == hub.files[each.path] for each in got.files)
    assert (got.commit, got.licence) == (COMMIT, "apache-2.0")
    assert got.size == got.fetched == sum(each.size for each in got.files)
    size = len(hub.files[WEIGHTS])
    assert (WEIGHTS, size, size) in seen and seen[0][0] == "listing"
    asked = {each.path for each in hub.requests}
    assert f"/{REPOSITORY}/resolve/{COMMIT}/{WEIGHTS}" in asked and f"/cdn/{WEIGHTS}" in asked
    known = (f"/api/models/{REPOSITORY}/", f"/{REPOSITORY}/resolve/", "/cdn/")
    assert all(each.path.startswith(known) for each in hub.requests)
    assert all(each.token is None and each.agent.startswith("ondol/") for each in hub.requests)
    assert not any("torch" in each.agent for each in hub.requests)


def test_the_bundle_says_where_it_is_from(hub: Hub, tmp_path: Path) -> None:
    got = pull(Reference("maker", "tiny-ko", "v1"), tmp_path / "m")
    options = Options(context=64)
    manifest = convert(got.path, tmp_path / "b", options=options).bundle.manifest
    assert manifest.provenance == f"{hub.address}/{REPOSITORY}@{COMMIT}"
    known = {each.path: each.sha256 for each in got.files}
    assert all(known[origin.name] == origin.sha256 for origin in manifest.origins)
    config = got.path / "config.json"
    config.write_text(config.read_text() + "\n")
    manifest = convert(got.path, tmp_path / "b", options=options).bundle.manifest
    assert manifest.provenance.endswith("(changed since: config.json)")
    (got.path / NAME).write_text("{}")
    with pytest.raises(CorruptSource):
        convert(got.path, tmp_path / "b", options=options)


def test_what_is_here_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    pull(REFERENCE, tmp_path / "m")
    (tmp_path / "m" / "config.json").write_bytes(b"{}")
    hub.requests.clear()
    again = pull(REFERENCE, tmp_path / "m")
    assert again.fetched == len(hub.files["config.json"])
    assert not hub.asked(WEIGHTS) and len(hub.asked("config.json")) == 1


def test_a_cut_connection_is_taken_up_where_it_broke(hub: Hub, tmp_path: Path) -> None:
    hub.cut_after[WEIGHTS] = [70_000, 70_000]
    got = pull(REFERENCE, tmp_path / "m")
    assert (got.path / WEIGHTS).read_bytes() == hub.files[WEIGHTS]
    starts = [each.range for each in hub.asked(f"cdn/{WEIGHTS}")]
    assert starts[0] is None and len(starts) == 3
    reached = [int((each or "bytes=0-")[6:-1]) for each in starts]
    assert 0 < reached[1] <= 70_000 and reached[1] < reached[2] <= reached[1] + 70_000


def test_a_hub_that_is_gone_is_named_and_the_rest_comes_later(hub: Hub, tmp_path: Path) -> None:
    hub.cut_after[WEIGHTS], hub.dies = [120_000], True
    with pytest.raises(HubUnreachable) as caught:
        pull(REFERENCE, tmp_path / "m")
    assert "ondol pull hf:maker/tiny-ko@main" in caught.value.fix
    kept = partial(tmp_path / "m").stat().st_size
    assert 0 < kept <= 120_000 and not (tmp_path / "m" / NAME).exists()
    hub.dead = hub.dies = False
    hub.requests.clear()
    got = pull(REFERENCE, tmp_path / "m")
    assert [each.range for each in hub.asked(f"cdn/{WEIGHTS}")] == [f"bytes={kept}-"]
    assert (got.path / WEIGHTS).read_bytes() == hub.files[WEIGHTS]
    assert NAME in left(got.path) and not list(got.path.glob(".*"))


def test_a_hub_without_ranges_starts_again(hub: Hub, tmp_path: Path) -> None:
    hub.cut_after[WEIGHTS], hub.ignores_range = [90_000], True
    got = pull(REFERENCE, tmp_path / "m")
    assert (got.path / WEIGHTS).read_bytes() == hub.files[WEIGHTS]


@pytest.mark.parametrize("name", [WEIGHTS, "tokenizer.json"])
def test_a_wrong_hash_is_refused_and_removed(hub: Hub, tmp_path: Path, name: str) -> None:
    hub.wrong = frozenset({name})
    with pytest.raises(DownloadCorrupt, match=name):
        pull(REFERENCE, tmp_path / "m")
    assert name not in left(tmp_path / "m") and not list((tmp_path / "m").glob("*.incomplete"))
    hub.wrong = frozenset()
    assert pull(REFERENCE, tmp_path / "m").path.is_dir()


def test_spoilt_bytes_of_an_earlier_try_are_noticed(hub: Hub, tmp_path: Path) -> None:
    hub.cut_after[WEIGHTS], hub.dies = [120_000], True
    with pytest.raises(HubUnreachable):
        pull(REFERENCE, tmp_path / "m")
    part = partial(tmp_path / "m")
    part.write_bytes(bytes(part.stat().st_size))
    hub.dead = hub.dies = False
    with pytest.raises(DownloadCorrupt):
        pull(REFERENCE, tmp_path / "m")
    assert pull(REFERENCE, tmp_path / "m").fetched >= len(hub.files[WEIGHTS])


def test_another_revision_replaces_the_files(hub: Hub, tmp_path: Path) -> None:
    pull(REFERENCE, tmp_path / "m")
    hub.commit = COMMIT[::-1]
    del hub.files["LICENSE"]
    hub.files["config.json"] += b"\n"
    got = pull(REFERENCE, tmp_path / "m")
    assert got.commit == COMMIT[::-1] and "LICENSE" not in left(got.path)
    assert got.fetched == len(hub.files["config.json"])
    record = Record.read(got.path)
    assert record is not None and record.commit == got.commit
