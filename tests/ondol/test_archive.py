"""The `.ondol` file: what other tools read of it, and what is refused of others' making."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from archive_maker import FILES, write_archive
from ondol import archive
from ondol.archive import ALIGNMENT, Member
from ondol.errors import BundleError, CorruptBundle, UnsafePath


def test_members_come_back_and_lie_on_boundaries(tmp_path: Path) -> None:
    found = archive.read(write_archive(tmp_path / "a.ondol"))
    assert {name: place.read() for name, place in found.items()} == FILES
    assert list(found) == list(FILES)
    assert all(place.offset % ALIGNMENT == 0 for place in found.values())
    assert found["weights.bin"].head(3) == bytes(3)


def test_other_tools_read_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(write_archive(tmp_path / "a.ondol")) as other:
        assert other.testzip() is None
        assert {info.filename: other.read(info) for info in other.infolist()} == FILES
        assert {info.compress_type for info in other.infolist()} == {zipfile.ZIP_STORED}


def test_the_same_members_are_the_same_bytes(tmp_path: Path) -> None:
    first, second = (
        write_archive(tmp_path / "a").read_bytes(),
        write_archive(tmp_path / "b").read_bytes(),
    )
    assert first == second


def test_a_member_that_gives_other_bytes_than_it_said_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="w: 2 bytes written"):
        archive.write(io.BytesIO(), [Member("w", 3, lambda: [b"ab"])], lambda size: None)


def test_members_and_files_beyond_four_gigabytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The 64-bit headers, with a border low enough to be crossed by little bytes."""
    monkeypatch.setattr(archive, "_BIG", 30_000)
    path = write_archive(tmp_path / "a.ondol")
    found = archive.read(path)
    assert {name: place.read() for name, place in found.items()} == FILES
    assert path.read_bytes().count(b"PK\6\6") == 1


def test_a_real_file_beyond_four_gigabytes(tmp_path: Path) -> None:
    """As sparse as the system allows: zip64 as Python's own reader understands it."""
    path, size = tmp_path / "big.ondol", (1 << 32) + 5
    with path.open("wb") as file:
        file.write(archive._local(archive._Entry(b"w", size, 0, 0)))
        end = file.seek(size, io.SEEK_CUR)
        late = archive._Entry(b"late", 2, zlib.crc32(b"ok"), end)
        file.write(archive._local(late) + b"ok")
        entries = [archive._Entry(b"w", size, 0, 0), late]
        file.write(archive._tail(entries, file.tell()))
    found = archive.read(path)
    assert found["w"].size == size and found["late"].read() == b"ok"
    with zipfile.ZipFile(path) as other:
        assert [info.file_size for info in other.infolist()] == [size, 2]
        assert other.infolist()[1].header_offset == end


@pytest.mark.parametrize("kept", [0, 1, 21, 22, 100, ALIGNMENT, 3 * ALIGNMENT, -1])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: int) -> None:
    path = write_archive(tmp_path / "a.ondol")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CorruptBundle, match="no whole"):
        archive.read(path)


def test_any_byte_of_the_headers_flipped_is_refused(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "a.ondol")
    raw = path.read_bytes()
    data = {at for p in archive.read(path).values() for at in range(p.offset, p.offset + p.size)}
    places = [at for at in range(len(raw)) if at not in data]
    names = raw.rindex(b"PK\1\2") - 200
    for at in [*range(40), *places[40:-400:997], *range(names, len(raw))]:
        if at in data:
            continue
        changed = bytearray(raw)
        changed[at] ^= 0x11
        path.write_bytes(changed)
        with pytest.raises(BundleError):
            archive.read(path)


def foreign(path: Path, names: list[str], method: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", method) as other:
        for name in names:
            other.writestr(name, bytes(1 << 20))


def test_a_compressed_member_is_refused(tmp_path: Path) -> None:
    foreign(tmp_path / "bomb.ondol", ["manifest.json"], zipfile.ZIP_DEFLATED)
    with pytest.raises(CorruptBundle) as caught:
        archive.read(tmp_path / "bomb.ondol")
    assert "compressed" in caught.value.why


def test_a_zip_of_another_tool_is_refused_with_the_way_out(tmp_path: Path) -> None:
    foreign(tmp_path / "other.ondol", ["manifest.json"])
    with pytest.raises(CorruptBundle, match="ondol pack"):
        archive.read(tmp_path / "other.ondol")


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a/../../x", "C:\\x", "a\\b", "a//b", "./a", "", "a\n", "a/.."]
)
def test_a_name_that_leads_out_is_unsafe(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsafePath):
        archive.read(write_archive(tmp_path / "a.ondol", {name: b"x"}))


@pytest.mark.parametrize("pair", [("a", "A"), ("한글", "\u1112\u1161\u11ab\u1100\u1173\u11af")])
def test_names_that_some_systems_take_for_the_same_are_refused(
    tmp_path: Path, pair: tuple[str, str]
) -> None:
    with pytest.raises(CorruptBundle) as caught:
        archive.read(write_archive(tmp_path / "a.ondol", dict.fromkeys(pair, b"x")))
    assert "twice" in caught.value.why


def _entries(path: Path) -> list[archive._Entry]:
    with path.open("rb") as file:
        return archive._directory(file, path, path.stat().st_size)[0]


def forged(path: Path, change: Callable[[list[archive._Entry]], list[archive._Entry]]) -> None:
    """Put another directory behind the same members."""
    entries = _entries(path)
    raw = path.read_bytes()
    start = raw.index(b"PK\1\2")
    path.write_bytes(raw[:start] + archive._tail(change(entries), start))


def test_overlapping_and_lying_members_are_refused(tmp_path: Path) -> None:
    def twice(entries: list[archive._Entry]) -> list[archive._Entry]:
        return [entries[0], *entries]

    def longer(entries: list[archive._Entry]) -> list[archive._Entry]:
        last = entries[-1]
        return [*entries[:-1], archive._Entry(last.name, last.size + 1, last.crc, last.start)]

    def hidden(entries: list[archive._Entry]) -> list[archive._Entry]:
        return entries[:-1]

    def swapped(entries: list[archive._Entry]) -> list[archive._Entry]:
        return entries[::-1]

    def far(entries: list[archive._Entry]) -> list[archive._Entry]:
        return [archive._Entry(b"x", 1 << 60, 0, 1 << 61)]

    for change in (twice, longer, hidden, swapped, far):
        path = write_archive(tmp_path / f"{change.__name__}.ondol")
        forged(path, change)
        with pytest.raises(CorruptBundle):
            archive.read(path)


def test_a_directory_beyond_bounds_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "many.ondol"
    size = archive.MOST_DIRECTORY + 46
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 9, 9, size, 0, 0)
    with path.open("wb") as file:
        file.truncate(size)
        file.seek(size)
        file.write(end)
    with pytest.raises(CorruptBundle, match="bytes of directory"):
        archive.read(path)
