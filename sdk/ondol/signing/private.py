"""Private keys and what only their owner can do. Needs `cryptography`: the extra `sign`."""

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ondol import settings
from ondol.bundle import Bundle
from ondol.errors import BadKey, MissingExtra, OptionError
from ondol.files import storage_errors, write_whole
from ondol.language import say
from ondol.manifest import SIGNATURE
from ondol.packing import pack
from ondol.signing import signature
from ondol.signing.keys import MOST_NAME, PublicKey, plain_owner

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SUFFIX = ".key"
MOST_BYTES = 1 << 14


@dataclass(frozen=True, slots=True)
class Pair:
    """A new key: the two files, and its public half."""

    private: Path
    public: Path
    key: PublicKey


def default_path() -> Path:
    """Where a private key lies when nobody says otherwise."""
    return settings.user_folder() / "keys" / f"ondol{SUFFIX}"


def generate(path: Path, name: str, passphrase: str = "") -> Pair:
    """Make a key: the private half (PKCS 8, readable by its owner alone) and the public beside it.

    Args:
        path: the private half's file; it must not be there yet.
        name: whose key it is, for people.
        passphrase: what encrypts the private half; "" leaves it open to whoever can read it.

    Raises:
        MissingExtra: if `cryptography` is not installed.
        OptionError: if a file is there, or the name is none.
        StorageError: if the disk refuses.
    """
    from_library = _library()
    if not plain_owner(name):
        raise OptionError(
            say(f"A key cannot be called {name!r}.", f"키 이름으로 쓸 수 없습니다: {name!r}"),
            say(f"One line, at most {MOST_NAME} characters.", f"한 줄, {MOST_NAME}자까지입니다."),
            say("Give another with --name.", "--name으로 다른 이름을 주세요."),
        )
    public = path.with_suffix(".pub")
    if path.suffix == ".pub" or path.exists() or public.exists():
        raise OptionError(
            say(
                f"{path} or {public.name} is there.",
                f"{path}이나 {public.name}이(가) 이미 있습니다.",
            ),
            say("A key is never overwritten.", "키는 덮어쓰지 않습니다."),
            say("Choose another place with --out.", "--out으로 다른 곳을 고르세요."),
        )
    made = from_library.generate()
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
        with os.fdopen(handle, "wb") as file:
            file.write(_pem(made, passphrase))
            file.flush()
            os.fsync(file.fileno())
    key = PublicKey(name, _raw(made))
    try:
        write_whole(public, key.to_json().encode())
    except BaseException:
        path.unlink()  # half a pair would only be in the way
        raise
    return Pair(path, public, key)


def load(path: Path, passphrase: str = "") -> "Ed25519PrivateKey":
    """A private key from its file.

    Raises:
        MissingExtra: if `cryptography` is not installed.
        BadKey: if it is none, others can read it, or it needs another passphrase.
    """
    kind = _library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        if not path.is_file():
            raise FileNotFoundError
        if sys.platform != "win32" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise BadKey(
                say(f"Others can read {path}.", f"다른 사용자도 {path}을(를) 읽을 수 있습니다."),
                say("Whoever has it can sign for you.", "누구든 대신 서명할 수 있습니다."),
                f"chmod 600 {path}",
            )
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES)
        secret = passphrase.encode() or None
        found = serialization.load_pem_private_key(raw, secret)
    except (OSError, TypeError, ValueError, UnsupportedAlgorithm) as exc:
        raise _bad(path, exc) from exc
    if not isinstance(found, kind):
        raise _bad(path, TypeError(type(found).__name__))
    return found


def locked(path: Path) -> bool:
    """Whether a private key's file is encrypted."""
    try:
        with path.open("rb") as file:
            return b"ENCRYPTED PRIVATE KEY" in file.read(MOST_BYTES)
    except OSError:
        return False


def sign(bundle: Bundle, key: "Ed25519PrivateKey") -> Bundle:
    """Sign a bundle's manifest, once every file was found to be what it lists.

    A folder gets a `manifest.sig`; a `.ondol` file is written anew with it.

    Raises:
        CorruptBundle: if the bundle does not hold.
        StorageError: if the disk refuses.
    """
    bundle.verify()
    made = key.sign(signature.DOMAIN + bundle.manifest_bytes())
    text = signature.compose(_raw(key), made)
    if bundle.packed is not None:
        return pack(bundle, bundle.path, signature=text)
    write_whole(bundle.path / SIGNATURE, text)
    return bundle


def _library() -> "type[Ed25519PrivateKey]":
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ModuleNotFoundError as exc:
        raise MissingExtra(
            say("Signing is not installed.", "서명 기능이 설치되어 있지 않습니다."),
            say(
                "The package cryptography is missing; verifying works without it.",
                "cryptography 패키지가 없습니다. 검증은 없어도 됩니다.",
            ),
            'pip install "ondol[sign]"',
        ) from exc
    return Ed25519PrivateKey


def _pem(key: "Ed25519PrivateKey", passphrase: str) -> bytes:
    from cryptography.hazmat.primitives import serialization

    if passphrase:
        lock: serialization.KeySerializationEncryption
        lock = serialization.BestAvailableEncryption(passphrase.encode())
    else:
        lock = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, lock)


def _raw(key: "Ed25519PrivateKey") -> bytes:
    return key.public_key().public_bytes_raw()


def _bad(path: Path, exc: Exception) -> BadKey:
    why = say("It is there, but encrypted or none.", "암호가 걸려 있거나 개인 키가 아닙니다.")
    if isinstance(exc, OSError):
        why = say("It cannot be read.", "읽을 수 없습니다.")
    return BadKey(
        say(f"{path} gives no private key.", f"{path}에서 개인 키를 얻을 수 없습니다."),
        f"{why} {type(exc).__name__}"[:300],
        say(
            "Check the file and the passphrase, or make a key: ondol keygen",
            "파일과 암호를 확인하거나 키를 만드세요: ondol keygen",
        ),
    )
