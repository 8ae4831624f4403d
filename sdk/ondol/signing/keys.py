"""Public keys: their files, their fingerprints, and the folders of those that are trusted."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ondol import settings
from ondol.errors import BadKey
from ondol.files import storage_errors, write_whole
from ondol.language import say
from ondol.signing import ed25519

VERSION = 1
ALGORITHM = "Ed25519"
SUFFIX = ".pub"
MOST_BYTES = 1 << 14
MOST_NAME = 80


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies: what its file calls its owner, and its 32 bytes."""

    name: str
    raw: bytes

    @property
    def fingerprint(self) -> str:
        """What people compare: the first 128 bits of the key's SHA-256, in hex."""
        return fingerprint(self.raw)

    def to_json(self) -> str:
        """The key as its file holds it."""
        fields = {
            "ondol_key": VERSION,
            "algorithm": ALGORITHM,
            "name": self.name,
            "public_key": self.raw.hex(),
            "fingerprint": self.fingerprint,
        }
        return json.dumps(fields, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def read(cls, path: Path) -> Self:
        """A key from its file.

        Raises:
            BadKey: if there is none, or it does not hold.
        """
        try:
            if not path.is_file():
                raise ValueError(say("no such file", "그런 파일이 없습니다"))
            with path.open("rb") as file:
                text = file.read(MOST_BYTES + 1)
            if len(text) > MOST_BYTES:
                raise ValueError(f"> {MOST_BYTES} bytes")
            return cls._built(json.loads(text.decode("utf-8")))
        except (OSError, ValueError, RecursionError) as exc:
            raise BadKey(
                say(f"{path} is no public key.", f"{path}은(는) 공개 키가 아닙니다."),
                f"{exc}"[:200],
                say(
                    "Give the .pub file that `ondol keygen` wrote.",
                    "`ondol keygen`이 만든 .pub 파일을 주세요.",
                ),
            ) from exc

    @classmethod
    def _built(cls, data: Any) -> Self:
        keys = {"ondol_key", "algorithm", "name", "public_key", "fingerprint"}
        if not isinstance(data, dict) or set(data) != keys:
            raise ValueError(f"keys: {', '.join(sorted(keys))}")
        if data["ondol_key"] != VERSION or data["algorithm"] != ALGORITHM:
            raise ValueError(f"ondol_key {VERSION}, {ALGORITHM}")
        if not plain_owner(data["name"]):
            raise ValueError("name")
        raw = hexed(data["public_key"], 32)
        if raw is None or not ed25519.usable(raw):
            raise ValueError("public_key")
        if data["fingerprint"] != fingerprint(raw):
            raise ValueError("fingerprint")
        return cls(data["name"], raw)


def fingerprint(raw: bytes) -> str:
    """What people compare of a public key: 32 hex digits."""
    return hashlib.sha256(raw).hexdigest()[:32]


def plain_owner(name: object) -> bool:
    """Whether a key's owner can be called so: one line, fit to print."""
    return (
        isinstance(name, str)
        and 0 < len(name) <= MOST_NAME
        and name.isprintable()
        and name == name.strip()
    )


def hexed(text: object, size: int) -> bytes | None:
    """Bytes written as lower-case hex; None where a text is not so many."""
    if isinstance(text, str) and re.fullmatch(rf"[0-9a-f]{{{2 * size}}}", text):
        return bytes.fromhex(text)
    return None


def trust_folders() -> tuple[Path, ...]:
    """Where trusted keys lie: the administrator's, then the user's."""
    return tuple(each / "trusted" for each in (settings.system_folder(), settings.user_folder()))


def trusted(folders: tuple[Path, ...] | None = None) -> tuple[PublicKey, ...]:
    """Every key that this machine trusts, or of some folders.

    Raises:
        BadKey: if a file there is none: whom to trust is never guessed.
    """
    found = []
    for folder in trust_folders() if folders is None else folders:
        if folder.is_dir():
            found += [PublicKey.read(path) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    return tuple(found)


def trust(key: PublicKey) -> Path:
    """Put a key among the user's trusted ones; the file it is kept in."""
    path = trust_folders()[-1] / f"{key.fingerprint}{SUFFIX}"
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, key.to_json().encode())
    return path


def distrust(wanted: str) -> tuple[PublicKey, ...]:
    """Take keys out of the user's trusted ones, by name or fingerprint; those that were there."""
    folder, gone = trust_folders()[-1], []
    for path in sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []:
        key = PublicKey.read(path)
        if wanted in (key.name, key.fingerprint):
            with storage_errors(path):
                path.unlink()
            gone.append(key)
    return tuple(gone)
