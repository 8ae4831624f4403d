"""Romanisation against the examples that the official notice gives."""

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from ondol.errors import OptionError
from ondol.hangul import romanise, transliterate

TABLE = Path(__file__).with_name("romanisation.tsv")

WAYS: dict[str, Callable[[str], str]] = {
    "word": romanise,
    "hyphen": lambda text: romanise(text, hyphen=True),
    "capital": lambda text: romanise(text, capital=True),
    "name": lambda text: romanise(text, kind="name"),
    "name-hyphen": lambda text: romanise(text, kind="name", hyphen=True),
    "place": lambda text: romanise(text, kind="place"),
    "letters": transliterate,
}


def cases() -> list[tuple[str, str, str]]:
    lines = TABLE.read_text("utf-8").splitlines()[1:]
    split = [line.split("\t") for line in lines if not line.startswith("# ")]
    return [(way, text, latin) for way, text, latin in split]


def test_every_example() -> None:
    assert len(cases()) == 130
    assert [(*case, made) for case in cases() if (made := WAYS[case[0]](case[1])) != case[2]] == []


def test_decomposed_text_gives_the_same() -> None:
    for way, text, latin in cases():
        assert WAYS[way](unicodedata.normalize("NFD", text)) == latin


def test_what_is_no_hangul_stays_and_words_stand_alone() -> None:
    assert romanise("국 물은 3개, OK! ㅋㅋ 漢字") == "guk mureun 3gae, OK! ㅋㅋ 漢字"
    assert romanise("남궁민수", kind="name") == "Namgung Minsu"
    assert romanise("김", kind="name") == "Gim"
    assert romanise("") == transliterate("") == ""


def test_letters_are_reversible_for_every_pair_of_some_syllables() -> None:
    some = "가각간갂감앙아악알안강을라랑나낭까싸쌌사삯"
    pairs = [a + b for a in some for b in some]
    assert len({transliterate(pair) for pair in pairs}) == len(pairs)


def test_every_syllable_has_letters() -> None:
    for code in range(0xAC00, 0xD7A4):
        made = romanise(chr(code))
        assert made.isascii() and made.isalpha()


@pytest.mark.parametrize("kind", ["", "person", None, "Name"])
def test_other_kinds_are_refused(kind: object) -> None:
    with pytest.raises(OptionError, match="word, name or place"):
        romanise("서울", kind=kind)  # type: ignore[arg-type]
