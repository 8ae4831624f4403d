"""`ondol hangul`, with text as an argument and piped in."""

import sys

import pytest

from command_line import Ondol


@pytest.mark.parametrize(
    ("action", "text", "out"),
    [
        ("josa", "사과을(를) 3개(으)로", "사과를 3개로\n"),
        ("read", "2026-11-25 사과 3개", "이천이십육년 십일월 이십오일 사과 세 개\n"),
        ("romanise", "같이", "gachi\n"),
        ("initials", "한글", "ㅎㄱ\n"),
        ("level", "갑니다. 가요.", "하십시오체\t갑니다.\n해요체\t가요.\n"),
        ("read", "\x1b제3장", "␛제삼 장\n"),
    ],
)
def test_what_comes_out(ondol: Ondol, action: str, text: str, out: str) -> None:
    assert ondol("hangul", action, text).out == out
    assert ondol("hangul", action, stdin=f"{text}\n").out == out


def test_json_holds_the_lines(ondol: Ondol) -> None:
    assert ondol("hangul", "romanise", "백마", "--json").json == {
        "action": "romanise",
        "text": "백마",
        "lines": ["baengma"],
    }


def test_spacing_and_sentences(ondol: Ondol) -> None:
    pytest.importorskip("kiwipiepy", reason="needs the extra korean")
    assert ondol("hangul", "space", "아버지가방에들어가신다").out == "아버지가 방에 들어가신다\n"
    assert ondol("hangul", "sentences", "갑니다 안녕히 계세요").out.count("\n") == 2


def test_without_the_extra_its_name_is_said(ondol: Ondol, monkeypatch: pytest.MonkeyPatch) -> None:
    from ondol.hangul import spacing

    spacing._kiwi.cache_clear()
    monkeypatch.setitem(sys.modules, "kiwipiepy", None)
    done = ondol("hangul", "space", "가나")
    assert done.code == 8
    assert "ondol[korean]" in done.err


def test_another_action_is_refused(ondol: Ondol) -> None:
    done = ondol("hangul", "spell", "가")
    assert done.code == 2
    assert "romanise" in done.err
