"""Signatures of bundles: whose they are, and everything that breaks them."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ondol.bundle import MOST_SIGNATURE, Bundle, entry_of
from ondol.errors import BadSignature, BundleError, CorruptBundle
from ondol.manifest import MANIFEST, SIGNATURE
from ondol.packing import pack, unpack
from ondol.signing import private, signature
from ondol.signing.signature import DOMAIN, State, check, require
from tiny_models import MODELS, Tiny

Pairs = tuple[private.Pair, private.Pair]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    root = tmp_path_factory.mktemp("keys")
    first, second = (private.generate(root / f"{n}.key", n) for n in ("maker", "other"))
    return first, second


@pytest.fixture
def signed(tiny: Tiny, pairs: Pairs, tmp_path: Path) -> Path:
    """A signed bundle's folder."""
    folder = shutil.copytree(tiny("qwen2").path, tmp_path / "signed")
    private.sign(Bundle.open(folder), private.load(pairs[0].private))
    return folder


def test_unsigned_known_and_unknown(tiny: Tiny, signed: Path, pairs: Pairs) -> None:
    maker, other = (pair.key for pair in pairs)
    assert check(tiny("qwen2"), [maker]).state is State.UNSIGNED
    bundle = Bundle.open(signed)
    assert check(bundle, [other, maker]) == signature.Verdict(
        State.TRUSTED, "maker", maker.fingerprint
    )
    unknown = check(bundle, [other])
    assert (unknown.state, unknown.fingerprint) == (State.UNKNOWN, maker.fingerprint)
    assert require(bundle, maker).state is State.TRUSTED
    with pytest.raises(BadSignature, match=maker.fingerprint):
        require(bundle, other)
    with pytest.raises(BadSignature, match="no signature"):
        require(tiny("qwen2"), maker)


def test_what_is_signed_begins_with_the_domain(signed: Path, pairs: Pairs) -> None:
    made = bytes.fromhex(json.loads((signed / SIGNATURE).read_text())["signature"])
    public = private.load(pairs[0].private).public_key()
    public.verify(made, DOMAIN + (signed / MANIFEST).read_bytes())
    bare = private.load(pairs[0].private).sign((signed / MANIFEST).read_bytes())
    (signed / SIGNATURE).write_bytes(signature.compose(pairs[0].key.raw, bare))
    assert check(Bundle.open(signed), [pairs[0].key]).state is State.BROKEN


def test_the_signature_travels_with_the_file(
    signed: Path, tiny: Tiny, pairs: Pairs, tmp_path: Path
) -> None:
    packed = pack(Bundle.open(signed), tmp_path / "a.ondol")
    assert check(packed, [pairs[0].key]).name == "maker"
    again = private.sign(packed, private.load(pairs[1].private))
    assert again.path == packed.path and check(again, [pairs[1].key]).name == "other"
    back = unpack(Bundle.open(again.path), tmp_path / "back")
    assert check(back, [pairs[1].key]).state is State.TRUSTED
    fresh = private.sign(pack(tiny("qwen2"), tmp_path / "b.ondol"), private.load(pairs[0].private))
    assert fresh.path.read_bytes() == pack(Bundle.open(signed), packed.path).path.read_bytes()


def flip(path: Path, at: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(raw)


def flip_a_count(folder: Path) -> None:
    text = (folder / MANIFEST).read_bytes()
    flip(folder / MANIFEST, text.index(b'"parameters": ') + 14)


def add_a_space(folder: Path) -> None:
    (folder / MANIFEST).write_bytes((folder / MANIFEST).read_bytes() + b"\n")


def flip_the_signature(folder: Path) -> None:
    text = (folder / SIGNATURE).read_bytes()
    at = text.index(b'"signature": "') + 20
    (folder / SIGNATURE).write_bytes(
        text[:at] + (b"0" if text[at : at + 1] != b"0" else b"1") + text[at + 1 :]
    )


def change_the_class(folder: Path) -> None:
    bundle = Bundle.open(folder)
    licence = replace(bundle.manifest.licence, kind="commercial", name="MIT")
    (folder / MANIFEST).write_text(replace(bundle.manifest, licence=licence).to_json(), "utf-8")


@pytest.mark.parametrize(
    "change", [flip_a_count, add_a_space, flip_the_signature, change_the_class]
)
def test_what_was_changed_breaks_it(
    signed: Path, pairs: Pairs, change: Callable[[Path], None]
) -> None:
    change(signed)
    verdict = check(Bundle.open(signed), [pairs[0].key])
    assert verdict.state is State.BROKEN and "another manifest" in verdict.why
    with pytest.raises(BadSignature, match="does not hold"):
        signature.held(Bundle.open(signed), [pairs[0].key])


def test_a_licence_text_that_was_replaced(pairs: Pairs, tmp_path: Path) -> None:
    """Alone it breaks its hash; with a new hash in the manifest it breaks the signature."""
    from ondol_converters.assembly import Terms
    from ondol_converters.conversion import convert

    terms = Terms("Research", "research-only", b"For research alone.", "LICENSE.txt")
    made = convert(MODELS / "qwen2", tmp_path / "a", terms=terms).bundle
    private.sign(made, private.load(pairs[0].private))
    (made.path / "LICENSE.txt").write_bytes(b"Do as you please...")
    assert check(Bundle.open(made.path), [pairs[0].key]).state is State.TRUSTED
    with pytest.raises(CorruptBundle, match=r"LICENSE\.txt"):
        Bundle.open(made.path).verify()
    files = tuple(
        entry_of(made.path, each.path) if each.path == "LICENSE.txt" else each
        for each in made.manifest.files
    )
    (made.path / MANIFEST).write_text(replace(made.manifest, files=files).to_json(), "utf-8")
    Bundle.open(made.path).verify()
    assert check(Bundle.open(made.path), [pairs[0].key]).state is State.BROKEN


def test_another_bundles_signature_and_another_key_in_it(
    signed: Path, tiny: Tiny, pairs: Pairs, tmp_path: Path
) -> None:
    other = shutil.copytree(tiny("gemma3").path, tmp_path / "other")
    shutil.copy(signed / SIGNATURE, other)
    assert check(Bundle.open(other), [pairs[0].key]).state is State.BROKEN
    made = json.loads((signed / SIGNATURE).read_text())
    (signed / SIGNATURE).write_text(json.dumps(made | {"public_key": pairs[1].key.raw.hex()}))
    assert check(Bundle.open(signed), [p.key for p in pairs]).state is State.BROKEN


def _with(**changes: object) -> Callable[[bytes], bytes]:
    return lambda raw: json.dumps(json.loads(raw) | changes).encode()


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: b"",
        lambda raw: b"\xff\xfe",
        lambda raw: b"[]",
        lambda raw: b"null",
        lambda raw: b"[" * 30_000,
        lambda raw: b" " * (MOST_SIGNATURE + 1),
        lambda raw: raw + b"x",
        _with(ondol_signature=2),
        _with(algorithm="none"),
        _with(signature=""),
        _with(signature="00" * 64),
        _with(signature=5),
        _with(public_key="01" + "00" * 31),
        _with(public_key="../../x"),
        _with(extra=1),
    ],
)
def test_hostile_signature_files_are_broken(
    signed: Path, pairs: Pairs, change: Callable[[bytes], bytes]
) -> None:
    path = signed / SIGNATURE
    path.write_bytes(change(path.read_bytes()))
    for bundle in (Bundle.open(signed), pack(Bundle.open(signed), signed.with_suffix(".ondol"))):
        assert check(bundle, [pairs[0].key]).state is State.BROKEN


def test_a_broken_bundle_is_not_signed(signed: Path, pairs: Pairs) -> None:
    (signed / SIGNATURE).unlink()
    flip(signed / "weights.bin", 5)
    with pytest.raises(CorruptBundle, match=r"weights\.bin"):
        private.sign(Bundle.open(signed), private.load(pairs[0].private))
    assert not (signed / SIGNATURE).exists()


def test_a_manifest_that_changes_after_opening_is_noticed(signed: Path, pairs: Pairs) -> None:
    bundle = Bundle.open(signed)
    change_the_class(signed)
    with pytest.raises(CorruptBundle, match="changed while in use"):
        check(bundle, [pairs[0].key])


def test_a_signature_is_taken_out_of_a_folder_alone(signed: Path, tmp_path: Path) -> None:
    packed = pack(Bundle.open(signed), tmp_path / "a.ondol")
    assert signature.remove(Bundle.open(signed)) and not (signed / SIGNATURE).exists()
    assert not signature.remove(Bundle.open(signed))
    with pytest.raises(BundleError, match="ondol unpack"):
        signature.remove(packed)
