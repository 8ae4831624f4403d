"""One file from a hub: resumed where it stopped, checked against the hub's hash, then renamed."""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ondol.errors import DownloadCorrupt, HubUnreachable
from ondol.files import storage_errors, sync_folder
from ondol.language import say
from ondol_converters.hub.library import SECONDS, endpoint, hub_errors, load, unreachable
from ondol_converters.hub.listing import RemoteFile
from ondol_converters.hub.reference import Reference

CHUNK_BYTES = 1 << 20
SMALL_CHUNK_BYTES = 1 << 16
ATTEMPTS = 3
PAUSE_SECONDS = 0.5
PARTIAL, WHOLE = 206, 200

Bytes = Callable[[int, int], None]
"""Called with the bytes that are here and those there will be."""


def digest(path: Path, kind: str) -> str:
    """A file's hash in hex: "sha256" of its bytes, or "sha1" of git's blob of them."""
    made = hashlib.new(kind)
    if kind == "sha1":
        made.update(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as file:
        while block := file.read(CHUNK_BYTES):
            made.update(block)
    return made.hexdigest()


def holds(path: Path, file: RemoteFile) -> bool:
    """Whether a file on the disk is the one of the hub."""
    return (
        path.is_file()
        and path.stat().st_size == file.size
        and digest(path, file.kind) == file.digest
    )


def partial(path: Path, file: RemoteFile) -> Path:
    """Where a file lies until it is whole; another revision's bytes never go into it."""
    return path.with_name(f".{path.name}.{file.digest[:16]}.incomplete")


def fetch(
    reference: Reference,
    commit: str,
    file: RemoteFile,
    path: Path,
    headers: dict[str, str],
    report: Bytes,
) -> None:
    """Download a file, from where an earlier try stopped.

    Raises:
        HubUnreachable: if the hub stops answering; what came is kept for the next try.
        DownloadCorrupt: if the bytes are not those whose hash the hub gave; they are removed.
        ModelNotFound, ModelGated: if the hub refuses it.
        DiskFull, StorageError: if this disk refuses; what came is kept.
    """
    part = partial(path, file)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab"):
            pass
    failures = 0
    with part.open("r+b") as out:
        if (here := out.seek(0, os.SEEK_END)) > file.size:
            here = out.truncate(out.seek(0))
        while here < file.size:
            before = here
            try:
                _stream(reference, commit, file, out, headers, report)
            except HubUnreachable:
                failures = 0 if out.seek(0, os.SEEK_END) > before else failures + 1
                if failures >= ATTEMPTS:
                    raise
                time.sleep(PAUSE_SECONDS * (failures + 1))
            here = out.seek(0, os.SEEK_END)
        with storage_errors(path):
            out.flush()
            os.fsync(out.fileno())
    if digest(part, file.kind) != file.digest:
        part.unlink()
        raise _corrupt(reference, file)
    with storage_errors(path):
        part.replace(path)
        sync_folder(path.parent)


def _stream(
    reference: Reference,
    commit: str,
    file: RemoteFile,
    out: BinaryIO,
    headers: dict[str, str],
    report: Bytes,
) -> None:
    """One request, its answer appended to `out` as far as it comes."""
    hub = load()
    here = out.tell()
    url = hub.hf_hub_url(reference.repository, file.path, revision=commit, endpoint=endpoint())
    asked = headers | ({"Range": f"bytes={here}-"} if here else {})
    session = hub.utils.get_session()
    with (
        hub_errors(reference, file.path),
        session.stream("GET", url, headers=asked, timeout=SECONDS) as answer,
    ):
        if answer.status_code not in (WHOLE, PARTIAL):
            answer.read()
        hub.utils.hf_raise_for_status(answer)
        if here and not _goes_on(answer.status_code, answer.headers.get("Content-Range"), here):
            with storage_errors(Path(out.name)):
                out.seek(0)
                out.truncate()
            here = 0
        size = CHUNK_BYTES if file.size > 16 * CHUNK_BYTES else SMALL_CHUNK_BYTES
        report(here, file.size)
        for chunk in answer.iter_bytes(chunk_size=size):
            if here + len(chunk) > file.size:
                raise _corrupt(reference, file)
            with storage_errors(Path(out.name)):
                out.write(chunk)
                out.flush()
            here += len(chunk)
            report(here, file.size)
    if here < file.size:
        raise unreachable(
            reference,
            say(
                f"{file.path} ended after {here} of {file.size} bytes.",
                f"{file.path}이(가) {file.size}바이트 중 {here}바이트에서 끝났습니다.",
            ),
        )


def _goes_on(status: int, content_range: str | None, here: int) -> bool:
    """Whether an answer begins where the file here ends."""
    return status == PARTIAL and (content_range or "").startswith(f"bytes {here}-")


def _corrupt(reference: Reference, file: RemoteFile) -> DownloadCorrupt:
    return DownloadCorrupt(
        say(
            f"{file.path} is not the file that the hub lists.",
            f"{file.path}이(가) 허브의 목록에 적힌 파일과 다릅니다.",
        ),
        say(
            f"Its {file.kind} or size does not hold; it was removed.",
            f"{file.kind}이나 크기가 맞지 않아 지웠습니다.",
        ),
        say(
            f"Try again: ondol pull {reference}",
            f"다시 받아 보세요: ondol pull {reference}",
        ),
    )
