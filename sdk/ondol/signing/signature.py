"""`manifest.sig`: the word of a key's owner for a manifest, and so for every file it lists.

What is signed is `DOMAIN` and then the manifest's bytes as they are, so that a signature made
here means nothing anywhere else. Whoever changes the manifest makes the signature stale.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ondol.bundle import MOST_SIGNATURE, Bundle
from ondol.errors import BadSignature
from ondol.files import storage_errors, sync_folder
from ondol.language import say
from ondol.manifest import SIGNATURE
from ondol.signing import ed25519
from ondol.signing.keys import ALGORITHM, PublicKey, fingerprint, hexed

VERSION = 1
DOMAIN = b"ondol bundle manifest 1\n"


class State(StrEnum):
    """What a signature is worth: none, by a trusted key, by any other, or wrong."""

    UNSIGNED = "unsigned"
    TRUSTED = "trusted"
    UNKNOWN = "unknown"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A signature as it was found: whose, as this machine calls the key, or why it is broken."""

    state: State
    name: str = ""
    fingerprint: str = ""
    why: str = ""


def check(bundle: Bundle, trusted: Sequence[PublicKey]) -> Verdict:
    """What a bundle's signature is worth to somebody who trusts these keys.

    It covers the manifest; the manifest's hashes cover the files (`Bundle.verify`).

    Raises:
        CorruptBundle: if the manifest cannot be read, or is not the one that was opened.
    """
    raw = bundle.signature_bytes()
    if raw is None:
        return Verdict(State.UNSIGNED)
    try:
        key, signature = _parse(raw)
    except (ValueError, RecursionError) as exc:
        return Verdict(State.BROKEN, why=f"{SIGNATURE}: {exc}"[:200])
    found = fingerprint(key)
    if not ed25519.verify(key, DOMAIN + bundle.manifest_bytes(), signature):
        why = say(
            "It was made for another manifest, or was changed.",
            "다른 목록 파일의 서명이거나 바뀐 서명입니다.",
        )
        return Verdict(State.BROKEN, fingerprint=found, why=why)
    owner = next((each for each in trusted if each.raw == key), None)
    if owner is None:
        return Verdict(State.UNKNOWN, fingerprint=found)
    return Verdict(State.TRUSTED, owner.name, found)


def held(bundle: Bundle, trusted: Sequence[PublicKey]) -> Verdict:
    """What a signature is worth that is not broken; there may be none.

    Raises:
        BadSignature: if there is one and it is broken.
    """
    verdict = check(bundle, trusted)
    if verdict.state is not State.BROKEN:
        return verdict
    raise BadSignature(
        say(
            f"The signature of {bundle.name} does not hold.",
            f"{bundle.name}의 서명이 올바르지 않습니다.",
        ),
        describe(verdict),
        _again(),
    )


def require(bundle: Bundle, key: PublicKey) -> Verdict:
    """The verdict of a bundle that this key has signed.

    Raises:
        BadSignature: if it is unsigned, signed by another key, or its signature is broken.
    """
    verdict = check(bundle, [key])
    if verdict.state is State.TRUSTED:
        return verdict
    raise BadSignature(
        say(
            f"{bundle.name} is not signed by {key.name}.",
            f"{bundle.name}에는 {key.name}의 서명이 없습니다.",
        ),
        describe(verdict),
        _again(),
    )


def _again() -> str:
    return say(
        "Get the bundle from its maker again; its maker signs it anew with: ondol sign",
        "만든 곳에서 번들을 다시 받으세요. 만든 사람은 ondol sign으로 다시 서명하세요.",
    )


def describe(verdict: Verdict) -> str:
    """A verdict in one sentence."""
    key = verdict.fingerprint
    return {
        State.UNSIGNED: say("It has no signature.", "서명이 없습니다."),
        State.TRUSTED: say(
            f"Signed by {verdict.name} ({key}), whom this machine trusts.",
            f"이 기기가 믿는 {verdict.name}({key})의 서명입니다.",
        ),
        State.UNKNOWN: say(
            f"Signed by a key that this machine does not know: {key}.",
            f"이 기기가 모르는 키의 서명입니다: {key}",
        ),
        State.BROKEN: say(
            f"Its signature is broken: {verdict.why}", f"서명이 깨졌습니다: {verdict.why}"
        ),
    }[verdict.state]


def compose(key: bytes, signature: bytes) -> bytes:
    """What `manifest.sig` holds."""
    fields = {
        "ondol_signature": VERSION,
        "algorithm": ALGORITHM,
        "public_key": key.hex(),
        "signature": signature.hex(),
    }
    return (json.dumps(fields, indent=1) + "\n").encode()


def remove(bundle: Bundle) -> bool:
    """Take the signature out of a bundle's folder, as before its manifest changes.

    Returns:
        Whether there was one.

    Raises:
        BundleError: if the bundle is one file.
        StorageError: if the disk refuses.
    """
    folder = bundle.folder
    path = folder / SIGNATURE
    with storage_errors(path):
        if not path.exists():
            return False
        path.unlink()
        sync_folder(folder)
    return True


def _parse(raw: bytes) -> tuple[bytes, bytes]:
    """The public key and the signature of a `manifest.sig`."""
    if len(raw) > MOST_SIGNATURE:
        raise ValueError(f"> {MOST_SIGNATURE} bytes")
    data: Any = json.loads(raw.decode("utf-8"))
    keys = {"ondol_signature", "algorithm", "public_key", "signature"}
    if not isinstance(data, dict) or set(data) != keys:
        raise ValueError(f"keys: {', '.join(sorted(keys))}")
    if data["ondol_signature"] != VERSION or data["algorithm"] != ALGORITHM:
        raise ValueError(f"ondol_signature {VERSION}, {ALGORITHM}")
    key, signature = hexed(data["public_key"], 32), hexed(data["signature"], 64)
    if key is None or signature is None or not ed25519.usable(key):
        raise ValueError("public_key, signature")
    return key, signature
