"""Key files: made with care, read as hostile."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ondol import settings
from ondol.errors import BadKey, MissingExtra, OptionError
from ondol.signing import keys, private
from ondol.signing.keys import PublicKey


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ONDOL_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


def test_a_pair_is_two_files_and_only_the_owner_reads_one(tmp_path: Path) -> None:
    made = private.generate(tmp_path / "new" / "maker.key", "온돌 팀")
    assert made.private.stat().st_mode & 0o777 == 0o600
    assert PublicKey.read(made.public) == made.key and made.key.name == "온돌 팀"
    assert made.key.fingerprint in made.public.read_text("utf-8")
    assert private.load(made.private).public_key().public_bytes_raw() == made.key.raw
    assert not private.locked(made.private)
    other = private.generate(tmp_path / "other.key", "x")
    assert other.key.raw != made.key.raw and len(other.key.fingerprint) == 32


def test_a_passphrase_locks_it(tmp_path: Path) -> None:
    made = private.generate(tmp_path / "a.key", "a", "비밀 문장")
    assert private.locked(made.private)
    assert private.load(made.private, "비밀 문장").public_key().public_bytes_raw() == made.key.raw
    for wrong in ("", "비밀"):
        with pytest.raises(BadKey, match="passphrase"):
            private.load(made.private, wrong)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    private.generate(tmp_path / "a.key", "a")
    before = (tmp_path / "a.key").read_bytes()
    (tmp_path / "b.pub").write_text("mine")
    for name in ("a.key", "b.key", "c.pub"):
        with pytest.raises(OptionError, match="never overwritten"):
            private.generate(tmp_path / name, "b")
    assert (tmp_path / "a.key").read_bytes() == before and not (tmp_path / "b.key").exists()


@pytest.mark.parametrize("name", ["", " x", "a\nb", "x" * 81, "\x1b[31m"])
def test_a_name_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(OptionError, match="--name"):
        private.generate(tmp_path / "a.key", name)
    assert list(tmp_path.iterdir()) == []


def test_a_private_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    made = private.generate(tmp_path / "a.key", "a")
    made.private.chmod(0o640)
    with pytest.raises(BadKey, match="chmod 600"):
        private.load(made.private)


@pytest.mark.parametrize("raw", [b"", b"x", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_what_is_no_private_key_is_named(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.key").write_bytes(raw)
    (tmp_path / "a.key").chmod(0o600)
    for path in (tmp_path / "a.key", tmp_path / "absent.key", tmp_path):
        with pytest.raises(BadKey, match="gives no private key"):
            private.load(path)


def test_a_key_of_another_kind_is_none_of_ours(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    raw = X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (tmp_path / "a.key").write_bytes(raw)
    (tmp_path / "a.key").chmod(0o600)
    with pytest.raises(BadKey, match="gives no private key"):
        private.load(tmp_path / "a.key")


def changed(path: Path, key: str, value: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {key: value}), "utf-8")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ondol_key", 2),
        ("algorithm", "RSA"),
        ("name", ""),
        ("name", "a\nb"),
        ("name", 5),
        ("public_key", "00" * 32),
        ("public_key", "01" + "00" * 31),
        ("public_key", "AB" * 32),
        ("public_key", "ab" * 31),
        ("public_key", None),
        ("fingerprint", "0" * 32),
        ("comment", "x"),
    ],
)
def test_a_public_key_file_that_does_not_hold(tmp_path: Path, key: str, value: object) -> None:
    made = private.generate(tmp_path / "a.key", "a")
    changed(made.public, key, value)
    with pytest.raises(BadKey, match="no public key"):
        PublicKey.read(made.public)


@pytest.mark.parametrize("raw", [b"", b"[]", b"\xff", b"[" * 20_000, b" " * 20_000, b"5"])
def test_bytes_that_are_no_public_key(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.pub").write_bytes(raw)
    os.mkfifo(tmp_path / "fifo.pub")
    for name in ("a.pub", "fifo.pub", "absent.pub"):
        with pytest.raises(BadKey, match="ondol keygen"):
            PublicKey.read(tmp_path / name)


def test_trust_is_kept_in_the_users_folder(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = private.generate(tmp_path / "a.key", "같은 이름").key
    second = private.generate(tmp_path / "b.key", "같은 이름").key
    assert keys.trusted() == ()
    for key in (first, second, first):
        assert keys.trust(key).parent == config / "trusted"
    assert set(keys.trusted()) == {first, second}
    assert keys.distrust(first.fingerprint) == (first,) and keys.trusted() == (second,)
    assert keys.distrust("같은 이름") == (second,) and keys.distrust("같은 이름") == ()
    monkeypatch.setattr(settings, "system_folder", lambda: tmp_path / "system")
    (tmp_path / "system" / "trusted").mkdir(parents=True)
    (tmp_path / "system" / "trusted" / "boss.pub").write_text(first.to_json(), "utf-8")
    assert keys.trusted() == (first,) and keys.distrust("같은 이름") == ()


def test_a_trusted_file_that_is_none_is_not_passed_over(config: Path) -> None:
    (config / "trusted").mkdir(parents=True)
    (config / "trusted" / "odd.pub").write_text("{}")
    with pytest.raises(BadKey, match=r"odd\.pub"):
        keys.trusted()


def test_without_the_library_signing_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.ed25519", None)
    for use in (
        lambda: private.generate(tmp_path / "a.key", "a"),
        lambda: private.load(tmp_path / "a.key"),
    ):
        with pytest.raises(MissingExtra, match=r"ondol\[sign\]"):
            use()
    assert not (tmp_path / "a.key").exists()


def test_verifying_needs_no_library() -> None:
    code = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from ondol import policy; from ondol.signing import signature, keys\n"
        "print(keys.ed25519.usable(bytes.fromhex('3d4017c3e843895a92b70aa74d1b7ebc"
        "9c982ccf2ec4968cc0cd55f12af4660c')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
