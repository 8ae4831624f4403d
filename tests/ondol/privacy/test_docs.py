import doctest
from pathlib import Path

import pytest

from ondol import privacy
from ondol.policy_file import RULES

PAGE = Path(__file__).parents[3] / "sdk" / "docs" / "privacy.md"


def test_every_example_of_the_page_says_what_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDOL_LANG", "ko")
    text = PAGE.read_text("utf-8")
    test = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    assert len(test.examples) >= 7
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test).failed == 0


def test_the_page_names_every_rule_and_the_calls() -> None:
    text = PAGE.read_text("utf-8")
    assert [name for name in (*RULES, "find", "mask", "guarded") if f"`{name}" not in text] == []
    assert str(len(privacy.KINDS)) in text.splitlines()[2]
