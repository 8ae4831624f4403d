"""`ondol keygen`, `sign`, `trust`, `verify --key`, and a policy that refuses, as users see them."""

import shutil
from pathlib import Path

import pytest

from command_line import Ondol
from ondol.cli.keygen import VARIABLE
from ondol.policy import NAME


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ONDOL_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


def test_from_a_key_to_a_bundle_that_a_policy_lets_pass(
    ondol: Ondol, config: Path, home: Path
) -> None:
    made = ondol("keygen", "온돌 팀", "--json")
    assert made.code == 0 and made.json["name"] == "온돌 팀" and not made.json["encrypted"]
    public, fingerprint = made.json["public_key"], made.json["fingerprint"]
    assert Path(made.json["private_key"]).parent == config / "keys"

    (config / NAME).write_text('signature = "required"')
    refused = ondol("chat", "talker", "--once", "안녕")
    assert refused.code == 4 and 'signature = "required"' in refused.err

    signed = ondol("sign", "talker", "--json")
    assert signed.code == 0 and signed.json["fingerprint"] == fingerprint
    (verdict,) = ondol("verify", "talker", "--json").json["bundles"]
    assert (verdict["signature"], verdict["fingerprint"]) == ("unknown", fingerprint)
    assert ondol("chat", "talker", "--once", "안녕").code == 4

    assert ondol("trust", public, "--json").json["keys"] == [
        {"name": "온돌 팀", "fingerprint": fingerprint, "trusted_by": "user"}
    ]
    done = ondol("verify", "talker")
    assert done.code == 0 and f"signed by 온돌 팀 ({fingerprint})" in done.out
    assert ondol("chat", "talker", "--once", "안녕", "--max-tokens", "4").code == 0
    assert ondol("verify", "base").code == 0 and "not signed" in ondol("verify", "base").out
    assert ondol("verify", "talker", "--key", public).code == 0
    assert ondol("verify", "base", "--key", public).code == 4

    shutil.copy(home / "bundles/talker/manifest.sig", home / "bundles/base")
    broken = ondol("verify", "base", "--json")
    assert broken.code == 4 and broken.json["error"]["kind"] == "BadSignature"
    every = {each["name"]: each for each in ondol("verify", "--all", "--json").json["bundles"]}
    assert every["base"]["error"]["kind"] == "BadSignature"
    assert every["talker"]["signature"] == "trusted"

    assert ondol("sign", "talker", "--remove").code == 0
    assert "not signed" in ondol("sign", "talker", "--remove", "--json").err
    assert ondol("verify", "talker", "--json").json["bundles"][0]["signature"] == "unsigned"

    assert ondol("trust", "--remove", "온돌 팀").code == 0
    assert ondol("trust", "--remove", "온돌 팀").code == 2
    assert "No key is trusted" in ondol("trust").err


def test_a_key_with_a_passphrase(
    ondol: Ondol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "locked.key"
    asked = ondol("keygen", "a", "--out", str(path), "--passphrase")
    assert asked.code == 2 and "no terminal" in asked.err and not path.exists()
    monkeypatch.setenv(VARIABLE, "비밀")
    made = ondol("keygen", "--out", str(path), "--passphrase", "--json")
    assert made.json["encrypted"] and made.json["name"] == "locked"
    assert ondol("sign", "base", "--key", str(path)).code == 0
    monkeypatch.setenv(VARIABLE, "틀림")
    assert ondol("sign", "base", "--key", str(path)).code == 2
    monkeypatch.delenv(VARIABLE)
    assert VARIABLE in ondol("sign", "base", "--key", str(path)).err
    assert ondol("keygen", "--out", str(path)).code == 2


def test_korean(ondol: Ondol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDOL_LANG", "ko")
    made = ondol("keygen", "팀", "--out", str(tmp_path / "a.key"))
    assert "지문" in made.out and "비밀로 두세요" in made.out
    assert "서명한 키" in ondol("sign", "talker", "--key", str(tmp_path / "a.key")).out
    assert "모르는 키의 서명" in ondol("verify", "talker").out
    assert "서명 없음" in ondol("verify", "base").out
    ondol("trust", str(tmp_path / "a.pub"))
    assert "사용자" in ondol("trust").out and "팀의 서명" in ondol("verify", "talker").out
    missing = ondol("sign", "talker")
    assert missing.code == 2 and "개인 키를 얻을 수 없습니다" in missing.err
    both = ondol("trust", str(tmp_path / "a.pub"), "--remove", "팀")
    assert both.code == 2 and "더하거나 빼거나" in both.err
