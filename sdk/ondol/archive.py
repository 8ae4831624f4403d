"""The `.ondol` file: a bundle as one stored zip whose members can be mapped where they lie.

One way to write it, and no other is read: members back to back from byte 0, never compressed,
each member's data at a multiple of 16 KB (padded with an extra field, as Android's zipalign
does), then the central directory, no comment. So nothing hides between members, none overlaps
another, and no size can lie. Format: PKWARE's APPNOTE 6.3.10.
"""

import os
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ondol.errors import CorruptBundle, UnsafePath
from ondol.language import say
from ondol.manifest import folded, plain_path

SUFFIX = ".ondol"
ALIGNMENT = 16384  # the largest page that phones and Macs have
MOST_MEMBERS = 4096
MOST_DIRECTORY = 1 << 22

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_UTF8, _STORED, _LONG_AGO = 0x800, 0, 0x21  # 1 January 1980
_BIG, _MANY = 0xFFFFFFFF, 0xFFFF
_WIDE, _PADDING = 1, 0xD935  # extra fields: 64-bit sizes, alignment

Chunks = Iterable[bytes]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file's bytes lie on the disk: in which file, from which byte on, how many."""

    path: Path
    offset: int
    size: int

    @classmethod
    def whole(cls, path: Path) -> "Place":
        """All of a file, as large as it is now."""
        return cls(path, 0, path.stat().st_size)

    def chunks(self, most: int = 1 << 22) -> Iterator[bytes]:
        """The bytes in order; fewer than `size` if the file ends before."""
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.offset)
            left = self.size
            while left and (chunk := file.read(min(most, left))):
                left -= len(chunk)
                yield chunk

    def read(self) -> bytes:
        """All the bytes."""
        return b"".join(self.chunks())

    def head(self, most: int) -> bytes:
        """The first bytes, at most so many."""
        return Place(self.path, self.offset, min(most, self.size)).read()


@dataclass(frozen=True, slots=True)
class Member:
    """Something to write: a name, how many bytes, and a way to get them in order."""

    name: str
    size: int
    chunks: Callable[[], Chunks]


@dataclass(frozen=True, slots=True)
class _Entry:
    name: bytes
    size: int
    crc: int
    start: int


def write(file: IO[bytes], members: Iterable[Member], progress: Callable[[int], None]) -> None:
    """Write an archive to an empty file that can seek.

    Args:
        members: in the order in which they are to lie.
        progress: called with the bytes of each chunk.

    Raises:
        ValueError: if a member gives more or fewer bytes than it said.
    """
    entries = []
    for member in members:
        start = file.tell()
        empty = _Entry(member.name.encode(), member.size, 0, start)
        file.write(_local(empty))
        crc = size = 0
        for chunk in member.chunks():
            file.write(chunk)
            crc = zlib.crc32(chunk, crc)
            size += len(chunk)
            progress(len(chunk))
        if size != member.size:
            raise ValueError(f"{member.name}: {size} bytes written, {member.size} expected")
        entry = _Entry(empty.name, size, crc, start)
        end = file.tell()
        file.seek(start)
        file.write(_local(entry))
        file.seek(end)
        entries.append(entry)
    file.write(_tail(entries, file.tell()))


def _local(entry: _Entry) -> bytes:
    """The header before a member's data, as long as puts the data on a boundary."""
    wide = entry.size >= _BIG
    extra = struct.pack("<2H2Q", _WIDE, 16, entry.size, entry.size) if wide else b""
    fixed = entry.start + _LOCAL.size + len(entry.name) + len(extra) + 6
    zeros = -fixed % ALIGNMENT
    extra += struct.pack("<3H", _PADDING, 2 + zeros, ALIGNMENT) + bytes(zeros)
    size = _BIG if wide else entry.size
    head = (b"PK\3\4", 45 if wide else 20, _UTF8, _STORED, 0, _LONG_AGO, entry.crc, size, size)
    return _LOCAL.pack(*head, len(entry.name), len(extra)) + entry.name + extra


def _tail(entries: Sequence[_Entry], start: int) -> bytes:
    """The central directory of members, beginning at byte `start`, and all that follows it."""
    made = b""
    for entry in entries:
        wide = [v for v in (entry.size, entry.size, entry.start) if v >= _BIG]
        extra = struct.pack(f"<2H{len(wide)}Q", _WIDE, 8 * len(wide), *wide) if wide else b""
        size, at = min(entry.size, _BIG), min(entry.start, _BIG)
        version = 45 if wide else 20
        head = (b"PK\1\2", version, version, _UTF8, _STORED, 0, _LONG_AGO, entry.crc, size, size)
        made += _CENTRAL.pack(*head, len(entry.name), len(extra), 0, 0, 0, 0, at)
        made += entry.name + extra
    size, count = len(made), len(entries)
    if start + size < _BIG:
        return made + _END.pack(b"PK\5\6", 0, 0, count, count, size, start, 0)
    made += _END64.pack(b"PK\6\6", _END64.size - 12, 45, 45, 0, 0, count, count, size, start)
    made += _LOCATOR.pack(b"PK\6\7", 0, start + size, 1)
    return made + _END.pack(b"PK\5\6", 0, 0, _MANY, _MANY, _BIG, _BIG, 0)


def read(path: Path) -> Mapping[str, Place]:
    """Every member of an archive by its name, and where its data lies.

    Raises:
        OSError: if the file cannot be read.
        CorruptBundle: if it is not written as this module writes, saying where it differs.
        UnsafePath: if a member's name leads out of a folder.
    """
    with path.open("rb") as file:
        whole = file.seek(0, os.SEEK_END)
        entries, end = _directory(file, path, whole)
        found: dict[str, Place] = {}
        seen: set[str] = set()
        at = 0
        for entry in entries:
            name = _name(entry.name, path)
            if folded(name) in seen:
                raise _corrupt(path, say(f"{name} is there twice", f"{name}: 두 번 있습니다"))
            seen.add(folded(name))
            if entry.start != at:
                raise _corrupt(path, f"{name}: byte {entry.start}, not {at}")
            data = _data(file, path, entry, name)
            at = data + entry.size
            if at > end:
                raise _corrupt(path, f"{name}: {entry.size} bytes, {max(end - data, 0)} there")
            found[name] = Place(path, data, entry.size)
        if at != end:
            raise _corrupt(path, f"{end - at} bytes of nothing before the directory")
    return found


def _directory(file: IO[bytes], path: Path, whole: int) -> tuple[list[_Entry], int]:
    """The central directory's entries, and the byte where it begins."""
    end = whole - _END.size
    *_, count, size, start, _ = _unpack(_END, file, end, path, b"PK\5\6")
    if start == _BIG:
        end -= _LOCATOR.size + _END64.size
        *_, count, size, start = _unpack(_END64, file, end, path, b"PK\6\6")
    if count > MOST_MEMBERS or size > MOST_DIRECTORY or start + size != end:
        raise _corrupt(path, f"{count} members, {size} bytes of directory from {start}")
    file.seek(start)
    raw = file.read(whole - start)
    entries, at = [], 0
    for _ in range(count):
        if at + _CENTRAL.size > size:
            raise _corrupt(path, f"{count} members, {size} bytes of directory")
        head = _CENTRAL.unpack_from(raw, at)
        extra = at + _CENTRAL.size + head[10]
        at = extra + head[11]
        entries.append(_entry(head, raw[extra - head[10] : extra], raw[extra:at], path))
    if _tail(entries, start) != raw:
        raise _corrupt(path, "the directory is not as Ondol writes it")
    return entries, start


def _entry(head: tuple[int, ...], name: bytes, extra: bytes, path: Path) -> _Entry:
    method, crc, packed, size, start = head[4], *head[7:10], head[16]
    if method != _STORED or packed != size:
        raise _corrupt(path, f"{name[:80]!r} is compressed")
    longs = len(extra[4:]) // 8
    wide = iter(struct.unpack_from(f"<{longs}Q", extra, 4) if longs else ())
    if size == _BIG:
        size = next(wide, 0)
        next(wide, 0)
    return _Entry(name, size, crc, next(wide, 0) if start == _BIG else start)


def _data(file: IO[bytes], path: Path, entry: _Entry, name: str) -> int:
    """Where a member's data begins; its own header must say what the directory says."""
    head = _unpack(_LOCAL, file, entry.start, path, b"PK\3\4")
    data = entry.start + _LOCAL.size + head[8] + head[9]
    file.seek(entry.start)
    if file.read(data - entry.start) != _local(entry):
        raise _corrupt(path, f"{name}: its own header differs from the directory")
    return data


def _unpack(
    form: struct.Struct, file: IO[bytes], at: int, path: Path, sign: bytes
) -> tuple[int, ...]:
    """The numbers of a header after its sign."""
    file.seek(max(at, 0))
    raw = file.read(form.size)
    if at < 0 or len(raw) < form.size or raw[:4] != sign:
        raise _corrupt(path, f"no header {sign[2:].hex()} at byte {at}")
    return form.unpack(raw)[1:]


def _name(raw: bytes, path: Path) -> str:
    """A member's name, checked to stay in a folder."""
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise _corrupt(path, f"{raw[:80]!r}") from exc
    if not plain_path(name):
        raise UnsafePath(
            say(
                f"{path.name} holds a file that leads out of its folder.",
                f"{path.name}에 폴더 밖으로 이어지는 파일이 있습니다.",
            ),
            f"{name!r:.200}",
            say(
                "Do not use this bundle; get it from its maker again.",
                "이 번들을 쓰지 말고 만든 곳에서 다시 받으세요.",
            ),
        )
    return name


def _corrupt(path: Path, why: str) -> CorruptBundle:
    return CorruptBundle(
        say(
            f"{path.name} is no whole .ondol file.", f"{path.name}은(는) 온전한 .ondol이 아닙니다."
        ),
        why,
        say(
            "Get it again, or make it anew from the folder: ondol pack BUNDLE",
            "다시 받거나 폴더에서 새로 만드세요: ondol pack BUNDLE",
        ),
    )
