"""Sentences: by our rule everywhere, by kiwipiepy where it is installed."""

import sys

import pytest

from ondol.retrieval.sentences import by_rule, splitter


@pytest.mark.parametrize(
    "sentences",
    [
        ["온돌은 난방이다.", "구들장은 돌이다!"],
        ["\u201c정말 그런가?\u201d", "그렇다."],
        ["1. 전원을 켠다.", "2. 기다린다."],
        ["이는 예를 들어 e.g. 서울이다.", "No. 3은 부산이다."],
        ["값은 3.14이다.", "버전은 24.2.1이다."],
        ["J. K. 롤링이 썼다.", "끝"],
        ["무엇일까…", "알 수 없다"],
    ],
)
def test_sentences_by_their_full_stops(sentences: list[str]) -> None:
    text = "  ".join(sentences)
    assert [text[start:end] for start, end in by_rule(text)] == sentences


def test_lines_end_sentences_after_korean_endings() -> None:
    text = "바닥을 데운다\n그래서 따뜻한\n방이 된다\n끝"
    assert [text[a:b] for a, b in by_rule(text)] == [
        "바닥을 데운다",
        "그래서 따뜻한\n방이 된다",
        "끝",
    ]


@pytest.mark.parametrize("text", ["", " \n ", "...", "?", "." * 100_000, "가" * 100_000])
def test_odd_texts_are_cut_without_loss(text: str) -> None:
    spans = by_rule(text)
    assert "".join(text[a:b] for a, b in spans) == "".join(text.split())


def test_kiwi_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "kiwipiepy", raising=False)
    splitter.cache_clear()
    pytest.importorskip("kiwipiepy", reason="kiwipiepy is not installed: extra `korean`")
    text = "밥을 먹었습니다 그리고 잤습니다 다음 날 일어났습니다."
    assert len(by_rule(text)) == 1
    assert [text[a:b] for a, b in splitter()(text)] == [
        "밥을 먹었습니다",
        "그리고 잤습니다",
        "다음 날 일어났습니다.",
    ]


def test_without_kiwi_our_rule() -> None:
    assert splitter() is by_rule
