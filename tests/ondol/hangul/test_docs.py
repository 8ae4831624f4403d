import doctest
from pathlib import Path

import pytest

from ondol import hangul

PAGE = Path(__file__).parents[3] / "sdk" / "docs" / "hangul.md"


def test_every_example_of_the_page_says_what_comes_out() -> None:
    pytest.importorskip("kiwipiepy", reason="needs the extra korean")
    text = PAGE.read_text("utf-8")
    test = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    assert len(test.examples) >= 8
    assert doctest.DocTestRunner().run(test).failed == 0


def test_the_page_names_every_function() -> None:
    text = PAGE.read_text("utf-8")
    assert [name for name in hangul.__all__ if name not in text] == []
