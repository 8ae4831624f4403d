"""Particles against a table of cases, another library, and readings that are written out."""

import re
import unicodedata
from pathlib import Path

import pytest

from ondol.errors import OptionError
from ondol.hangul import josa, particle, read_ending, settle_josa

TABLE = Path(__file__).with_name("josa.tsv")
FIXTURES = Path(__file__).parents[2] / "fixtures"

Case = tuple[str, str, str]


def cases() -> list[Case]:
    """Word, pair and what is right; a line of the table holds three."""
    lines = [
        line.split("\t")
        for line in TABLE.read_text("utf-8").splitlines()[1:]
        if not line.startswith("# ")
    ]
    return [
        case
        for word, topic, toward, pair, result in lines
        for case in ((word, "은/는", topic), (word, "으로/로", toward), (word, pair, result))
    ]


def test_the_table_has_enough_cases_and_a_reason_for_each_group() -> None:
    groups = [line for line in TABLE.read_text("utf-8").splitlines()[1:] if line.startswith("# ")]
    assert len(set(cases())) >= 300
    assert len(groups) >= 12


def test_every_case_of_the_table() -> None:
    wrong = [(*case, made) for case in cases() if (made := josa(case[0], case[1])) != case[2]]
    assert wrong == []


def test_decomposed_words_give_the_same() -> None:
    wrong = [
        case for case in cases() if josa(unicodedata.normalize("NFD", case[0]), case[1]) != case[2]
    ]
    assert [case for case in wrong if unicodedata.normalize("NFC", case[0]) == case[0]] == []


@pytest.mark.parametrize("pair", ["은/는", "는/은", "은(는)", "는(은)", "(은)는", " 은 / 는 "])
def test_a_pair_may_be_written_in_any_order(pair: str) -> None:
    assert (josa("사과", pair), josa("책", pair)) == ("사과는", "책은")


@pytest.mark.parametrize("pair", ["으로/로", "로/으로", "(으)로"])
def test_toward_alike_however_it_is_written(pair: str) -> None:
    found = [josa(word, pair) for word in ("서울", "부산", "제주", "7", "3")]
    assert found == ["서울로", "부산으로", "제주로", "7로", "3으로"]


@pytest.mark.parametrize(
    ("pair", "after_consonant", "after_vowel"),
    [
        ("이라고/라고", "이라고", "라고"),
        ("(이)라는", "이라는", "라는"),
        ("이었다/였다", "이었다", "였다"),
        ("은커녕/는커녕", "은커녕", "는커녕"),
        ("이야말로/야말로", "이야말로", "야말로"),
        ("이야/야", "이야", "야"),
        ("이시여/시여", "이시여", "시여"),
        ("이든지/든지", "이든지", "든지"),
        ("을랑/를랑", "을랑", "를랑"),
        ("으로서의/로서의", "으로서의", "로서의"),
    ],
)
def test_other_pairs_follow_their_family(pair: str, after_consonant: str, after_vowel: str) -> None:
    assert (particle("꽃", pair), particle("나비", pair)) == (after_consonant, after_vowel)


@pytest.mark.parametrize(
    "pair", ["", "/", "은", "은/를", "은/은", "로/서", "는/은/이", "a/b", "(은)"]
)
def test_what_is_no_pair_is_refused(pair: str) -> None:
    with pytest.raises(OptionError, match="은/는"):
        josa("사과", pair)


@pytest.mark.parametrize("word", ["", "  ", "\n"])
def test_no_word_is_refused(word: str) -> None:
    with pytest.raises(OptionError):
        josa(word, "은/는")


@pytest.mark.parametrize("word", [None, 3, b"\xea\xb0\x80", ["사과"]])
def test_what_is_no_text_is_refused(word: object) -> None:
    with pytest.raises(OptionError, match=type(word).__name__):
        josa(word, "은/는")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("word", "reading"),
    [
        ("10", "십"),
        ("400", "백"),
        ("5000", "천"),
        ("20000", "만"),
        ("7" + "0" * 8, "억"),
        ("7" + "0" * 16, "경"),
        ("7" + "0" * 48, "극"),
        ("7" + "0" * 60, "영"),
        ("0.10", "영"),
        ("1,234", "사"),
        ("³", "삼"),
        ("7kg", "킬로그램"),
        ("LG", "지"),
        ("iOS", "아이오에스"),
        ("鄭", ""),
    ],
)
def test_how_an_end_is_read(word: str, reading: str) -> None:
    assert read_ending(word) == reading


@pytest.mark.parametrize(
    ("text", "settled"),
    [
        ("사과을(를) 3개(으)로 나눕니다.", "사과를 3개로 나눕니다."),
        ("서울(으)로부터 LG은(는) 7 kg이(가)", "서울로부터 LG는 7 kg이"),
        ("책(이)랑 나(이)랑, 물(이)나 불(이)나", "책이랑 나랑, 물이나 불이나"),
        ("'온돌'와(과) \"책\"는(은)", "'온돌'과 \"책\"은"),
        ("鄭은(는) 그대로, 은(는)도", "鄭은(는) 그대로, 은(는)도"),
        ("줄\n사과은(는)\n책은(는)", "줄\n사과는\n책은"),
        ("은행(는) 그대로", "은행(는) 그대로"),
        ("", ""),
    ],
)
def test_open_particles_are_settled(text: str, settled: str) -> None:
    assert settle_josa(text) == settled


def test_settling_twice_changes_nothing_more() -> None:
    once = settle_josa(" ".join(f"{word}은(는) {word}(으)로" for word, _, _ in cases()))
    assert settle_josa(once) == once


TOSSI_DIFFERS = [
    "1,000,000,000,000",  # 조 has no consonant; tossi takes the sound of 0
    "30%(3명)",  # 퍼센트 has none; tossi skips the sign and reads 30
    "50%",
    "€20",  # read 20유로; tossi reads 20
    "책[1]",  # tossi skips round brackets alone
]


def test_tossi_agrees_where_it_has_an_opinion() -> None:
    """tossi 0.3.1 reads Hangul, digits and brackets, and leaves Latin open."""
    tossi = pytest.importorskip("tossi")
    forms = {"은/는": "은", "이/가": "이", "을/를": "을", "과/와": "과", "으로/로": "(으)로"}
    asked = [case for case in cases() if case[1] in forms]
    theirs = {
        case: str(tossi.postfix(unicodedata.normalize("NFC", case[0]), forms[case[1]]))
        for case in asked
    }
    decided = {case: made for case, made in theirs.items() if not made.endswith((")", "(으)로"))}
    differ = sorted({case[0] for case, made in decided.items() if made != case[2]})
    assert len(decided) > 150
    assert differ == TOSSI_DIFFERS


ES_HANGUL = FIXTURES / "es_hangul" / "josa.tsv"
"""What es-hangul 2.4.0 made of the table's words; the script that wrote it is beside it."""


def test_es_hangul_agrees_on_hangul_and_capitals() -> None:
    """It takes every digit, sign and small letter for a vowel, and brackets for the end."""
    theirs = {
        (word, pair): made
        for word, pair, made in (
            line.split("\t") for line in ES_HANGUL.read_text("utf-8").splitlines()
        )
    }
    plain = [case for case in cases() if re.fullmatch("[가-힣 ]+|[A-Z]+", case[0])]
    differ = [case for case in plain if theirs[case[:2]] != case[2]]
    assert len(theirs) == len(set(cases())) and len(plain) > 150
    assert differ == [
        ("칼", "으로만/로만", "칼로만")
    ]  # its ㄹ holds for 으로, 으로서, 으로써 alone
    elsewhere = {case[0] for case in cases() if theirs[case[:2]] != case[2]} - {"칼"}
    assert all(re.search("[^가-힣 A-Z]", word) for word in elsewhere)
