"""The characters of free text, against Unicode's own data: no two of them compose or reorder."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ondol.grammar.normal import FREE, RANGES

SECOND = {
    int(parts[1], 16)
    for code in range(0x30000)
    if len(parts := unicodedata.decomposition(chr(code)).split()) == 2 and parts[0][0] != "<"
}
"""What may compose with what is before it."""


def test_every_character_stays_as_it_is() -> None:
    codes = [code for low, high in RANGES for code in range(low, high + 1)]
    assert len(codes) == len(set(codes)) and codes == sorted(codes)
    assert not SECOND & set(codes)
    for code in codes:
        char = chr(code)
        assert unicodedata.is_normalized("NFC", char), hex(code)
        assert unicodedata.combining(char) == 0, hex(code)


@given(st.text(st.sampled_from([chr(end) for pair in RANGES for end in pair])))
def test_text_of_them_is_normal(text: str) -> None:
    assert unicodedata.is_normalized("NFC", text)


@pytest.mark.parametrize(
    "text", ["가힣", "ㄱㅏ", "한자 漢字", "ñ é ế", "がカ", "₩1,000 ℃ ㎡", "👍🏽 ☎️", "Ω Ж"]
)
def test_what_korean_text_holds_may_be_written(text: str) -> None:
    python = re.sub(r"\\u\{(\w+)\}", lambda found: re.escape(chr(int(found[1], 16))), FREE)
    assert re.fullmatch(f"{python}*", text)


@pytest.mark.parametrize("char", ["\u1100", "\u1161", "\u0301", "\u212b", "\uf900", "\x00", "\x7f"])
def test_what_nfc_changes_may_not(char: str) -> None:
    assert not any(low <= ord(char) <= high for low, high in RANGES)
