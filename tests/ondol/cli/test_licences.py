"""The licence of a conversion, as a user sees and states it."""

import shutil
from pathlib import Path

import pytest

from command_line import Ondol
from ondol.policy import NAME
from tiny_models import MODELS


@pytest.fixture
def model(tmp_path: Path) -> str:
    source = shutil.copytree(MODELS / "qwen2", tmp_path / "model")
    (source / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    return str(source)


def test_what_the_model_says_is_shown(
    ondol: Ondol, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = ondol("convert", model, "--context", "64")
    assert "CC-BY-NC-4.0 (research only)" in done.out and "From README.md" in done.out
    made = ondol("convert", model, "--context", "64", "--json").json["bundle"]
    assert (made["licence"], made["licence_kind"]) == ("CC-BY-NC-4.0", "research-only")
    monkeypatch.setenv("ONDOL_LANG", "ko")
    assert "연구용으로만" in ondol("convert", model, "--context", "64").out


def test_the_user_states_another(ondol: Ondol, model: str, tmp_path: Path) -> None:
    text = tmp_path / "contract.txt"
    text.write_text("계약서", "utf-8")
    stated = ("--licence", "Contract 7", "--licence-file", str(text))
    done = ondol("convert", model, "--name", "b", *stated, "--licence-class", "conditional")
    assert done.code == 0 and "Contract 7 (conditions apply)" in done.out
    assert "Otherwise it would be CC-BY-NC-4.0" in done.out
    licence = ondol("inspect", "b", "--json").json["manifest"]["licence"]
    assert (licence["kind"], licence["file"]) == ("conditional", "LICENSE.txt")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--licence-class", "conditional"), "--licence NAME"),
        (("--licence-file", "x"), "--licence NAME"),
        (("--licence", "MIT", "--licence-class", "free"), "free"),
        (("--licence", "MIT", "--licence-file", "absent"), "no licence text"),
    ],
)
def test_what_cannot_be_meant(
    ondol: Ondol, model: str, options: tuple[str, ...], said: str
) -> None:
    done = ondol("convert", model, *options)
    assert done.code == 2 and said in done.err


def test_a_policy_stops_it_before_the_work(
    ondol: Ondol, model: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDOL_CONFIG", str(tmp_path))
    (tmp_path / NAME).write_text('licences = ["commercial"]')
    done = ondol("convert", model)
    assert done.code == 4 and 'licences = ["commercial"]' in done.err
    assert not (home / "bundles" / "model").exists()
    monkeypatch.setenv("ONDOL_LANG", "ko")
    assert "정책이 model을(를) 허용하지 않습니다" in ondol("convert", model).err
