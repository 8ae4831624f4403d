"""A model from a hub into a folder: the files a conversion reads, and the record of them."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ondol import policy, store
from ondol.errors import DiskFull, OptionError
from ondol.files import locked, storage_errors
from ondol.language import say
from ondol_converters.hub import record
from ondol_converters.hub.download import digest, fetch, holds, partial
from ondol_converters.hub.library import (
    check_policy,
    endpoint,
    headers,
    list_files,
    load,
    token,
)
from ondol_converters.hub.listing import Listing, RemoteFile, choose
from ondol_converters.hub.reference import Reference
from ondol_converters.licences.terms import repository_terms

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done and how much there is."""

LISTING = "listing"
STARTED = ".ondol-pull"


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model that is here: what to convert, its commit, and how many bytes came just now."""

    path: Path
    reference: Reference
    commit: str
    licence: str
    files: tuple[record.PulledFile, ...]
    size: int
    fetched: int


def default_folder(reference: Reference) -> Path:
    """Where a model is put when no folder is named."""
    return store.home() / "models" / reference.owner / reference.name


def pull(
    reference: Reference,
    folder: Path | None = None,
    *,
    file: str | None = None,
    with_token: bool = False,
    progress: Progress | None = None,
) -> Pulled:
    """Fetch what a conversion needs of a model. This opens sockets; ask the user first.

    Files that are already here and whole are kept; one that broke off goes on where it stopped.

    Args:
        reference: the repository and revision.
        folder: where to; else in the store's models.
        file: one GGUF file of the repository, instead of its safetensors.
        with_token: send the token saved by `hf auth login` (HF_TOKEN is sent whenever it is set).
        progress: called with each file's bytes.

    Raises:
        NotAllowed: if the environment says that this machine stays offline.
        PolicyForbids: if this machine's policy does not allow the licence; no file was fetched.
        HubError: if the hub has no such model, does not give it, or gives something else.
        StorageError: if the disk refuses.
        MissingExtra: if `huggingface_hub` is not installed.
    """
    check_policy()
    load()
    target = (folder or default_folder(reference)).resolve()
    report = progress or _silent
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target):
        old = _claim(target)
        sent = token(with_token)
        report(LISTING, 0, 1)
        listing = list_files(reference, sent)
        chosen = choose(listing, file)
        report(LISTING, 1, 1)
        terms = repository_terms(listing.repository, listing.licence)
        policy.check_licence(terms.name, terms.kind, listing.repository)
        missing = [each for each in chosen if not holds(target / each.path, each)]
        _check_space(target, missing)
        with storage_errors(target):
            (target / record.NAME).unlink(missing_ok=True)  # until the files are all here
        for each in missing:
            _fetch(reference, listing, each, target, headers(sent), report)
        made = _record(reference, listing, chosen, target, old)
        _remove_old(target, old, made)
        made.write(target)
        with storage_errors(target):
            (target / STARTED).unlink(missing_ok=True)
    path = target
    if weights := [each.path for each in chosen if each.path.lower().endswith(".gguf")]:
        path = target / weights[0]
    total = sum(each.size for each in chosen)
    fetched = sum(each.size for each in missing)
    return Pulled(path, reference, listing.commit, listing.licence, made.files, total, fetched)


def _fetch(
    reference: Reference,
    listing: Listing,
    file: RemoteFile,
    target: Path,
    sent: dict[str, str],
    report: Progress,
) -> None:
    def bytes_here(done: int, total: int) -> None:
        report(file.path, done, total)

    fetch(reference, listing.commit, file, target / file.path, sent, bytes_here)


def _claim(target: Path) -> record.Record | None:
    """Begin a pull into a folder; the record of an earlier one.

    Raises:
        OptionError: if the folder holds something that no pull put there.
    """
    old = record.Record.read(target) if target.is_dir() else None
    started = (target / STARTED).is_file()
    ours = old is not None or started or not target.exists()
    if not ours and not (target.is_dir() and not any(target.iterdir())):
        raise OptionError(
            say(
                f"{target} is there and was not pulled.",
                f"{target}이(가) 이미 있는데 받아 온 모델이 아닙니다.",
            ),
            say("Its files could be replaced.", "그 안의 파일이 바뀔 수 있습니다."),
            say("Choose another folder with --out.", "--out으로 다른 폴더를 고르세요."),
        )
    with storage_errors(target):
        target.mkdir(exist_ok=True)
        (target / STARTED).touch()
    return old


def _record(
    reference: Reference,
    listing: Listing,
    chosen: tuple[RemoteFile, ...],
    target: Path,
    old: record.Record | None,
) -> record.Record:
    """The record of what is here now: an earlier pull of the same commit stays in it."""
    found = {
        each.path: record.PulledFile(
            each.path,
            each.size,
            each.digest if each.kind == "sha256" else digest(target / each.path, "sha256"),
        )
        for each in chosen
    }
    if old is not None and old.commit == listing.commit:
        kept = {each.path: each for each in old.files if (target / each.path).is_file()}
        found = kept | found
    return record.Record(
        record.VERSION,
        endpoint(),
        listing.repository,
        reference.revision,
        listing.commit,
        listing.licence,
        tuple(found[path] for path in sorted(found)),
    )


def _remove_old(target: Path, old: record.Record | None, new: record.Record) -> None:
    """Remove what an earlier revision had and this one has not."""
    before = {each.path for each in old.files} if old else set()
    with storage_errors(target):
        for gone in before - {each.path for each in new.files}:
            (target / gone).unlink(missing_ok=True)


def _check_space(target: Path, missing: list[RemoteFile]) -> None:
    """Refuse before the first byte what this disk cannot hold."""
    here = [partial(target / each.path, each) for each in missing]
    got = sum(part.stat().st_size for part in here if part.is_file())
    needed = sum(each.size for each in missing) - got
    free = shutil.disk_usage(target.parent).free
    if needed > free:
        raise DiskFull(
            say(f"The disk has no room: {target}", f"디스크에 자리가 없습니다: {target}"),
            say(
                f"{needed / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} MB are free.",
                f"{needed / 1e6:,.0f}MB가 필요한데 {free / 1e6:,.0f}MB가 남아 있습니다.",
            ),
            say("Free some space, or choose --out.", "공간을 비우거나 --out을 고르세요."),
        )


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
