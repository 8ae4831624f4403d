"""Patterns over categories, run by `re`, against the library that runs them itself."""

import unicodedata
from typing import Literal

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from ondol.tokenizing.alphabet import Alphabet
from ondol.tokenizing.characters import CATEGORIES, WHITE_SPACE, Categories, ranges
from ondol.tokenizing.patterns import PATTERNS
from ondol_converters.tokenizers.categories import library_categories

Form = Literal["NFC", "NFKC"]
EVERY = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)


def categories() -> Categories:
    found = library_categories()
    return Categories([first for first, _ in found], [CATEGORIES.index(name) for _, name in found])


LIBRARYS = categories()
ALPHABETS = {name: Alphabet(pattern, LIBRARYS) for name, pattern in PATTERNS.items()}


def library_spans(pattern: str, text: str) -> list[tuple[int, int]]:
    """Where the library finds a pattern: the pieces that are left when the rest is removed."""
    split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), "removed", invert=True)
    return [span for _, span in split.pre_tokenize_str(text)]


def removed(pattern: str, text: str) -> str:
    made: str = tokenizers.normalizers.Replace(tokenizers.Regex(pattern), "").normalize_str(text)
    return made


def test_categories_are_the_librarys() -> None:
    """Of the characters that are of a category here, none is left when it removes that one."""
    ours: dict[str, list[str]] = {}
    for char in EVERY:
        ours.setdefault(CATEGORIES[LIBRARYS.number(ord(char))], []).append(char)
    assert set(ours) == set(CATEGORIES) - {"Cs"}
    left = {name: removed(rf"\p{{{name}}}+", "".join(chars)) for name, chars in ours.items()}
    assert left == dict.fromkeys(ours, "")


def test_white_space_is_the_librarys() -> None:
    ours = "".join(chr(c) for low, high in WHITE_SPACE for c in range(low, high + 1))
    assert removed(r"\S+", EVERY) == ours


def test_what_this_python_knows_otherwise() -> None:
    """Only characters that one of the two Unicodes has not assigned, and U+1171E (Ahom)."""
    other = {
        char: (unicodedata.category(char), CATEGORIES[LIBRARYS.number(ord(char))])
        for char in EVERY
        if unicodedata.category(char) != CATEGORIES[LIBRARYS.number(ord(char))]
    }
    assert {char for char, pair in other.items() if "Cn" not in pair} <= {"\U0001171e"}
    newer = [char for char, (_, librarys) in other.items() if librarys == "Cn"]
    assert not newer or unicodedata.unidata_version > "16"


def test_this_pythons_own_ranges() -> None:
    own = ranges()
    known = Categories([f for f, _ in own], [CATEGORIES.index(name) for _, name in own])
    for char in EVERY[::7] + "가힣":
        assert CATEGORIES[known.number(ord(char))] == unicodedata.category(char)


def changed_by(form: Form) -> list[str]:
    """Characters that the library and this Python bring to unlike texts."""
    lines = EVERY.replace("\n", "")
    library = getattr(tokenizers.normalizers, form)().normalize_str("\n".join(lines))
    python = unicodedata.normalize(form, "\n".join(lines))
    trios = zip(lines, library.split("\n"), python.split("\n"), strict=True)
    return [char for char, theirs, ours in trios if theirs != ours]


def test_normal_forms_differ_where_the_library_knows_an_older_unicode() -> None:
    """Of single characters NFC is the same; some compatibility characters it leaves as they are."""
    assert changed_by("NFC") == []
    newer = changed_by("NFKC")
    assert all(tokenizers.normalizers.NFKC().normalize_str(char) == char for char in newer)
    assert "\u32ff" in newer and not any("가" <= char <= "힣" for char in newer)


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_edges_of_every_category_in_every_pattern(name: str) -> None:
    """The first and last character of each range of one category, once, twice and thrice."""
    firsts = [first for first, _ in library_categories()]
    codes = sorted({*firsts, *(first - 1 for first in firsts[1:])})
    edges = [chr(code) for code in codes if not 0xD800 <= code < 0xE000]
    assert len(edges) > 4000
    text = " ".join(char * size for size in (1, 2, 3) for char in edges)
    assert ALPHABETS[name].spans(text) == library_spans(PATTERNS[name], text)


@given(
    st.sampled_from(sorted(PATTERNS)),
    st.text(
        st.one_of(st.sampled_from(" \n\r\t'sſSkreVEmlLdD123가é^$/\u0301ǅʰ漢カ"), st.characters())
    ),
)
@settings(max_examples=400, deadline=None)
def test_any_text(name: str, text: str) -> None:
    text = text.encode("utf-8", "ignore").decode("utf-8")
    assert ALPHABETS[name].spans(text) == library_spans(PATTERNS[name], text)


@pytest.mark.parametrize("pattern", [r"a.", r"^a", r"a$", r"\w", r"\p{Han}", r"[[a]b]", r"a*"])
def test_syntax_beyond_ours_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError):
        Alphabet(pattern, LIBRARYS)
