"""Each rule of a policy at the one place that holds it, and that a refusal quotes it."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from graph_bundle import encoder_bundle
from ondol import choice, log, policy, registry, settings
from ondol.encoder import Encoder
from ondol.engine import Engine
from ondol.errors import NotEnoughMemory, PolicyForbids
from ondol.label import Label, export, read
from ondol.plan import Plan
from ondol.policy import NAME
from ondol.privacy import guarded, guarded_values
from ondol.reply import Finish, Limits
from ondol_converters.hub.library import check_policy
from tiny_models import Tiny

PLAN = Plan(16, 1, True, False)
TEXT = "김서연 씨 전화는 010-0132-4578"
LABEL = Label("m", "0" * 64, "ondol", "2026-11-25T00:00:00Z")


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


def refused(path: Path, rule: str, use: Callable[[], object]) -> None:
    """Check that a rule's refusal quotes it and its file."""
    with pytest.raises(PolicyForbids) as caught:
        use()
    assert rule in caught.value.why and str(path) in caught.value.why and caught.value.fix


@pytest.mark.parametrize("device", registry.DEVICES)
def test_a_device_that_is_not_named_opens_nothing(
    user: Path, tiny: Tiny, tmp_path: Path, device: str
) -> None:
    bundle, encoder = tiny("qwen2"), encoder_bundle(tmp_path / "encoder")
    user.write_text('devices = ["elsewhere"]')
    for use in (
        lambda: choice.pick(bundle, device),
        lambda: registry.runtime(device).open(bundle, PLAN),
        lambda: registry.runtime(device).open_graph(encoder, PLAN),
    ):
        refused(user, 'devices = ["elsewhere"]', use)


def test_a_forbidden_device_is_passed_over_and_said_so(user: Path, tiny: Tiny) -> None:
    user.write_text('devices = ["capi", "null"]')
    chosen = choice.pick(tiny("qwen2"))
    assert chosen.device == "capi"
    (cpu,) = [each for each in chosen.passed if each.device == "cpu"]
    assert 'devices = ["capi", "null"]' in cpu.reason and cpu.fix
    refused(user, "devices", lambda: Engine.open(tiny("qwen2"), device="cpu"))
    with Engine.open(tiny("qwen2"), device="null"):
        pass


def test_a_device_with_a_detail_goes_by_its_name(user: Path) -> None:
    user.write_text('devices = ["qnn"]')
    policy.check_device("qnn:SM8650")
    refused(user, "devices", lambda: policy.check_device("plugin:/a.so"))


def test_downloads(user: Path) -> None:
    check_policy()
    user.write_text("download = false")
    refused(user, "download = false", check_policy)


def test_the_tighter_limit_of_memory_holds(user: Path, system: Path, tiny: Tiny) -> None:
    bundle = tiny("qwen2", "float32")
    user.write_text("memory_mb = 1")
    system.write_text("memory_mb = 100000")
    refused(user, "memory_mb = 1", lambda: Engine.open(bundle, device="cpu", context=16))
    refused(user, "memory_mb = 1", lambda: Engine.open(bundle, device="null", context=16))
    with pytest.raises(NotEnoughMemory):  # the caller's own limit is the reason
        Engine.open(bundle, device="cpu", context=16, memory=1)
    user.write_text("memory_mb = 90000")
    with Engine.open(bundle, device="cpu", context=16):
        pass


def test_memory_for_an_encoder(user: Path, tmp_path: Path) -> None:
    bundle = encoder_bundle(tmp_path / "encoder")
    user.write_text("memory_mb = 1")
    refused(user, "memory_mb = 1", lambda: Encoder.open(bundle, device="cpu"))


def test_time(user: Path, tiny: Tiny) -> None:
    with Engine.open(tiny("llama3"), device="null", context=64) as engine:
        user.write_text("reply_seconds = 1e-9")
        reply = engine.reply("abc")
        assert reply.read() == "" and reply.finish is Finish.TIME
        user.write_text("reply_seconds = 600")
        refused(
            user, "reply_seconds = 600", lambda: engine.reply("abc", limits=Limits(seconds=601))
        )
        assert engine.reply("abc", limits=Limits(seconds=599)).read()


def test_what_is_masked_on_which_way(user: Path, system: Path) -> None:
    assert guarded(TEXT, "tools") == TEXT
    user.write_text('masking = ["tools"]')
    assert "010" not in guarded(TEXT, "tools") and guarded(TEXT, "exports") == TEXT
    assert read(export(TEXT, LABEL).to_text()).text == TEXT
    system.write_text('masking = ["exports"]')
    assert "010" not in guarded(TEXT, "tools")
    assert "010" not in read(export(TEXT, LABEL).to_text()).text
    assert "010" not in export(TEXT, LABEL).to_json()


def test_every_text_of_a_tools_arguments_is_masked(user: Path) -> None:
    values = {"to": TEXT, "all": [TEXT, {"in": TEXT}], "count": 3, "on": True, "none": None}
    assert guarded_values(values, "tools") == values
    user.write_text('masking = ["tools"]')
    masked = guarded_values(values, "tools")
    assert "010" not in str(masked) and "김서연" not in str(masked)
    assert masked.keys() == values.keys() and (masked["count"], masked["on"]) == (3, True)
    assert guarded_values(values, "exports") == values


def test_logs(user: Path, caplog: pytest.LogCaptureFixture) -> None:
    logger = log.logger("ondol.test")
    logger.warning("plain %s", TEXT)
    user.write_text('masking = ["logs"]')
    logger.warning("masked %s", TEXT)
    try:
        raise ValueError(TEXT)
    except ValueError:
        logger.exception("raised")
    user.write_text("logging = false")
    logger.warning("forbidden")
    user.write_text("logging = 5")
    logger.warning("not understood")
    assert [record.getMessage().split()[0] for record in caplog.records] == [
        "plain",
        "masked",
        "raised",
    ]
    told = logging.Formatter().format
    assert "010" in told(caplog.records[0])
    assert all("010-0132-4578" not in told(record) for record in caplog.records[1:])
    assert log.logger("ondol.test").filters == logger.filters


@pytest.mark.parametrize(
    "text",
    [
        "devices = 1",
        "download = 'no'",
        "memory_mb = 0",
        "memory_mb = true",
        "memory_mb = 1.5",
        "reply_seconds = 0",
        "reply_seconds = nan",
        "reply_seconds = '1'",
        "logging = 'off'",
        "masking = ['log']",
        "masking = true",
        "memory = 1",
    ],
)
def test_a_rule_of_another_form_allows_nothing(user: Path, text: str) -> None:
    user.write_text(text)
    for use in (
        lambda: policy.check_device("cpu"),
        policy.check_download,
        policy.tightest_memory,
        lambda: policy.reply_seconds(None),
        policy.logs,
        lambda: guarded(TEXT, "tools"),
        lambda: export(TEXT, LABEL),
    ):
        with pytest.raises(PolicyForbids, match="cannot be understood"):
            use()
