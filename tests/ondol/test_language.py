"""Messages follow the locale, and every one is written in both languages."""

import ast
import re
from pathlib import Path

import pytest

from ondol.language import LANGUAGE_VARIABLES, korean, say
from source_tree import PACKAGES, modules, shown

HANGUL = re.compile("[가-힣]")


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LANGUAGE_VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_nothing_said_is_english() -> None:
    assert not korean() and say("yes", "네") == "yes"


@pytest.mark.parametrize("value", ["ko", "ko_KR.UTF-8", "KO", "ko_KR"])
@pytest.mark.parametrize("name", LANGUAGE_VARIABLES)
def test_a_korean_locale_is_korean(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert korean() and say("yes", "네") == "네"


def test_the_first_variable_that_is_set_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    monkeypatch.setenv("LC_ALL", "C")
    assert not korean()
    monkeypatch.setenv("ONDOL_LANG", "ko")
    assert korean()
    monkeypatch.setenv("ONDOL_LANG", "")
    assert not korean()


def said(path: Path) -> list[tuple[int, str, str]]:
    """Every literal pair of texts in a file: line, English, Korean, values in braces."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "say"
            and len(node.args) == 2
        ):
            en, ko = (_literal(argument) for argument in node.args)
            if en and ko:
                found.append((node.lineno, en, ko))
    return found


def _literal(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        texts = [v.value for v in node.values if isinstance(v, ast.Constant)]
        return "".join(map(str, texts))
    return ""


def _without_examples(english: str, korean: str) -> str:
    """An English text without Korean words that the Korean one gives too: they are examples."""
    return re.sub(r"[가-힣()/]+", lambda word: "" if word[0] in korean else word[0], english)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_message_is_in_both_languages(package: str) -> None:
    pairs = [(shown(file), *each) for file in modules(PACKAGES[package]) for each in said(file)]
    assert pairs
    wrong = [
        f"{file}:{line} {en!r} {ko!r}"
        for file, line, en, ko in pairs
        if HANGUL.search(_without_examples(en, ko))
        or (not HANGUL.search(ko) and re.search("[a-z]{4}", ko))
    ]
    assert wrong == []
