"""A file read by position, though it may lie in several parts that were never joined."""

import hashlib
import os
import stat
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

from ondol.errors import CorruptSource, OptionError, SourceError
from ondol.language import say

HASH_BYTES = 1 << 20


def broken(name: str, why_en: str, why_ko: str) -> CorruptSource:
    """The error of a source file that does not hold, its reason in both languages."""
    return CorruptSource(
        say(f"The model file {name} is broken.", f"모델 파일 {name}이(가) 손상되었습니다."),
        say(why_en, why_ko),
        say(
            "Download it again and compare its SHA-256 with the publisher's.",
            "다시 내려받아 SHA-256 값을 배포처의 값과 비교하세요.",
        ),
    )


def unreadable(path: Path, error: OSError) -> SourceError:
    """The error of a file that the system does not let us read."""
    reason = error.strerror or type(error).__name__
    return SourceError(
        say(f"Cannot read {path}.", f"{path}을(를) 읽을 수 없습니다."),
        say(f"The system says: {reason}.", f"시스템의 답: {reason}"),
        say("Check the path and its permissions.", "경로와 권한을 확인하세요."),
    )


class PartedFile:
    """Bytes of one file given as one path, or as the paths of parts in their order.

    Attributes:
        name: the first path's name, for messages.
        size: bytes of all parts together.

    Raises:
        OptionError: if no path is given.
        SourceError: if a path is not a readable regular file.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        if not paths:
            raise OptionError(
                say("No file was given.", "파일이 지정되지 않았습니다."),
                fix=say("Name a model file or its parts.", "모델 파일이나 그 조각들을 지정하세요."),
            )
        self.name = paths[0].name
        self.size = 0
        self._starts: list[int] = []
        self._open: list[int] = []
        try:
            for path in paths:
                self._add(path)
        except SourceError:
            self.close()
            raise

    def _add(self, path: Path) -> None:
        try:
            # Before open(), which would wait forever on a FIFO.
            if not stat.S_ISREG(path.stat().st_mode):
                raise SourceError(
                    say(f"{path} is not a file.", f"{path}은(는) 파일이 아닙니다."),
                    fix=say("Name the model's file.", "모델 파일을 지정하세요."),
                )
            handle = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
            self._open.append(handle)
            self._starts.append(self.size)
            self.size += os.fstat(handle).st_size
        except OSError as exc:
            raise unreadable(path, exc) from exc

    def read(self, start: int, size: int) -> bytes:
        """Bytes [start, start + size), across parts where they meet.

        Raises:
            CorruptSource: if the file ends before; nothing is allocated then.
            SourceError: if the system fails to read, or after `close()`.
        """
        if not self._open:
            raise SourceError(
                say(f"{self.name} was closed.", f"{self.name}은(는) 닫힌 파일입니다.")
            )
        if start < 0 or size < 0 or start + size > self.size:
            raise broken(
                self.name,
                f"It ends at byte {self.size}; bytes {start} to {start + size} were to be read.",
                f"파일은 {self.size}바이트인데 {start}~{start + size}바이트를 읽어야 합니다.",
            )
        pieces: list[bytes] = []
        part = bisect_right(self._starts, start) - 1
        while size:
            end = self._starts[part + 1] if part + 1 < len(self._starts) else self.size
            want = min(size, end - start)
            piece = self._pread(part, want, start - self._starts[part]) if want else b""
            pieces.append(piece)
            start += len(piece)
            size -= len(piece)
            if start == end:
                part += 1
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _pread(self, part: int, size: int, offset: int) -> bytes:
        try:
            piece = os.pread(self._open[part], size, offset)
        except OSError as exc:
            raise unreadable(Path(self.name), exc) from exc
        if not piece:
            raise broken(
                self.name, "It became shorter while it was read.", "읽는 동안 파일이 짧아졌습니다."
            )
        return piece

    def sha256(self) -> str:
        """SHA-256 of all bytes in hex, as if the parts were joined."""
        digest = hashlib.sha256()
        for start in range(0, self.size, HASH_BYTES):
            digest.update(self.read(start, min(HASH_BYTES, self.size - start)))
        return digest.hexdigest()

    def close(self) -> None:
        """Close the files; reading afterwards is a `SourceError`."""
        while self._open:
            os.close(self._open.pop())
