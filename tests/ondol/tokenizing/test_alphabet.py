"""Patterns over categories, run by `re`, against the library that runs them itself."""

import unicodedata

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from ondol.tokenizing.alphabet import Alphabet
from ondol.tokenizing.characters import CATEGORIES, WHITE_SPACE, Categories, ranges
from ondol.tokenizing.patterns import PATTERNS
from ondol_converters.tokenizers.categories import library_categories

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


@pytest.mark.parametrize("name", sorted(set(CATEGORIES) - {"Cs"}))
def test_categories_are_the_librarys(name: str) -> None:
    number = CATEGORIES.index(name)
    ours = "".join(char for char in EVERY if LIBRARYS.number(ord(char)) == number)
    assert removed(rf"[^\p{{{name}}}]+", EVERY) == ours


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


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_every_character_in_every_pattern(name: str) -> None:
    alphabet = ALPHABETS[name]
    for size in (1, 2, 3):
        text = " ".join(char * size for char in EVERY[::11])
        assert alphabet.spans(text) == library_spans(PATTERNS[name], text)


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
