"""Policies: what they refuse, that every door asks them, and that a broken one refuses all."""

import shutil
from pathlib import Path

import pytest

from graph_bundle import encoder_bundle
from ondol import policy, registry, settings
from ondol.bundle import Bundle
from ondol.encoder import Encoder
from ondol.engine import Engine
from ondol.errors import PolicyForbids
from ondol.packing import pack
from ondol.plan import Plan
from ondol.policy import NAME
from ondol.signing import keys, private
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options
from tiny_models import MODELS, Tiny

PLAN = Plan(16, 1, True, False)


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's policy file, not written yet."""
    monkeypatch.setenv("ONDOL_CONFIG", str(tmp_path / "user"))
    (tmp_path / "user").mkdir()
    return tmp_path / "user" / NAME


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The administrator's policy file, not written yet."""
    monkeypatch.setattr(settings, "system_folder", lambda: tmp_path / "system")
    (tmp_path / "system").mkdir()
    return tmp_path / "system" / NAME


def test_without_a_policy_all_is_allowed(user: Path, system: Path, tiny: Tiny) -> None:
    assert policy.policies() == ()
    policy.check(tiny("qwen2"))
    policy.check_licence("x", "research-only", "a model")


@pytest.mark.parametrize("device", registry.DEVICES)
def test_every_door_asks(user: Path, tiny: Tiny, tmp_path: Path, device: str) -> None:
    bundle = tiny("qwen2")
    user.write_text('licences = ["commercial"]')
    encoder = encoder_bundle(tmp_path / "encoder")
    packed = pack(bundle, tmp_path / "a.ondol")
    for use in (
        lambda: Engine.open(bundle, device=device),
        lambda: Engine.open(packed, device=device),
        lambda: registry.runtime(device).open(bundle, PLAN),
        lambda: registry.runtime(device).open_graph(encoder, PLAN),
        lambda: Encoder.open(encoder, device=device),
    ):
        with pytest.raises(PolicyForbids) as caught:
            use()
        assert 'licences = ["commercial"]' in caught.value.why and str(user) in caught.value.why
    user.write_text('licences = ["commercial", "unknown"]')
    runtime = registry.runtime(device)
    if runtime.probe().available and not runtime.refusal(bundle)[0]:
        with Engine.open(bundle, device=device, context=16):
            pass


def test_a_forbidden_tokenizer_is_never_parsed(
    user: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    user.write_text("licences = []")
    monkeypatch.setattr("ondol.engine.Tokenizer", lambda *_: pytest.fail("parsed"))
    with pytest.raises(PolicyForbids):
        Engine.open(tiny("qwen2"))


def test_both_files_must_allow(user: Path, system: Path) -> None:
    system.write_text('licences = ["commercial"]')
    user.write_text('licences = ["commercial", "research-only"]')
    policy.check_licence("MIT", "commercial", "a")
    with pytest.raises(PolicyForbids, match="system"):
        policy.check_licence("NC", "research-only", "a")
    user.write_text("licences = []")
    with pytest.raises(PolicyForbids, match="user"):
        policy.check_licence("MIT", "commercial", "a")


def test_a_signature_that_is_required(user: Path, system: Path, tiny: Tiny, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny("qwen2").path, tmp_path / "bundle")
    pair = private.generate(tmp_path / "maker.key", "maker")
    user.write_text('signature = "required"')
    with pytest.raises(PolicyForbids, match="no signature"):
        policy.check(Bundle.open(folder))
    private.sign(Bundle.open(folder), private.load(pair.private))
    with pytest.raises(PolicyForbids, match=pair.key.fingerprint):
        policy.check(Bundle.open(folder))
    keys.trust(pair.key)
    policy.check(Bundle.open(folder))
    with Engine.open(folder, context=16):
        pass

    user.write_text(f'signature = "required"\nkeys = ["{"0" * 32}"]')
    with pytest.raises(PolicyForbids, match="keys = "):
        policy.check(Bundle.open(folder))
    user.write_text(f'signature = "required"\nkeys = ["{pair.key.fingerprint}"]')
    policy.check(Bundle.open(folder))

    # what only the user trusts does not count for the administrator
    system.write_text('signature = "required"')
    with pytest.raises(PolicyForbids, match="system"):
        policy.check(Bundle.open(folder))
    (system.parent / "trusted").mkdir()
    shutil.copy(pair.public, system.parent / "trusted")
    policy.check(Bundle.open(folder))

    (folder / "manifest.sig").write_text("{}")
    with pytest.raises(PolicyForbids, match="broken"):
        policy.check(Bundle.open(folder))


@pytest.mark.parametrize(
    "text",
    [
        b"licences = 5",
        b'licences = ["comercial"]',
        b"licences = [1]",
        b'signature = "sometimes"',
        b"signature = true",
        b'keys = "x"',
        b"signatures = 1",
        b"licences = [",
        b"\xff",
        b"#" * (policy.MOST_BYTES + 1),
        b"x = " + b"[" * 20_000,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_a_policy_that_cannot_be_understood_allows_nothing(
    user: Path, tiny: Tiny, text: bytes
) -> None:
    user.write_bytes(text)
    with pytest.raises(PolicyForbids, match="cannot be understood"):
        policy.check(tiny("qwen2"))


def test_a_policy_that_may_not_be_looked_at_allows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDOL_CONFIG", "a" * 300)  # as a folder that is closed to this user
    with pytest.raises(PolicyForbids, match="cannot be understood"):
        policy.check_licence("MIT", "commercial", "a")


def test_a_policy_that_is_no_file_allows_nothing(user: Path) -> None:
    user.mkdir()
    with pytest.raises(PolicyForbids, match="cannot be understood"):
        policy.check_licence("MIT", "commercial", "a")


def test_what_is_being_made_needs_no_signature(user: Path, system: Path, tmp_path: Path) -> None:
    user.write_text('signature = "required"')
    options = Options(context=256, budget=0.5)
    bundle = convert(MODELS / "qwen3", tmp_path / "made", options=options).bundle
    with pytest.raises(PolicyForbids):
        policy.check(bundle)
    with policy.making(tmp_path / "elsewhere"), pytest.raises(PolicyForbids):
        policy.check(bundle)
    user.write_text('licences = ["commercial"]')
    with policy.making(tmp_path), pytest.raises(PolicyForbids):
        policy.check(bundle)
