"""`ondol assistant`: packs made, listed, asked and checked from the command line."""

from pathlib import Path

import pytest

from command_line import Ondol
from ondol.bundle import Bundle
from ondol.cli.assistant import UNMET
from ondol.packs.pack import SAMPLES


@pytest.fixture
def made(ondol: Ondol, tmp_path: Path) -> Path:
    done = ondol("assistant", "new", str(tmp_path / "mine"), "--json")
    assert done.code == 0 and done.json["documents"] == 1
    return tmp_path / "mine"


def test_a_new_pack_passes_its_own_check(ondol: Ondol, made: Path) -> None:
    done = ondol("assistant", "check", str(made), "--words")
    assert done.code == 0 and "speech_level" in done.out
    told = ondol("assistant", "check", str(made), "--words", "--json").json
    assert told["failed"] == [] and told["samples"] == 3 and told["search"] == "words"


def test_what_is_not_as_it_has_to_be_is_shown(ondol: Ondol, made: Path) -> None:
    (made / SAMPLES).write_text('{"ask": "운영 시간", "contains": ["자정"]}', "utf-8")
    done = ondol("assistant", "check", str(made), "--words")
    assert done.code == UNMET and "✗ 운영 시간" in done.out and "자정" in done.out


def test_an_answer_comes_with_its_source(ondol: Ondol, made: Path) -> None:
    words = ("assistant", "run", str(made), "안내 창구 운영 시간", "--words")
    done = ondol(*words)
    assert done.code == 0 and "오전 9시" in done.out and "안내.md" in done.out
    told = ondol(*words, "--json").json
    assert told["origin"] == "documents" and not told["generated"] and not told["refuses"]
    lines = ondol(
        "assistant", "run", str(made), "--words", stdin="안내 창구란?\n\n비밀번호 알려 줘\n"
    )
    assert "문의를 받는 곳" in lines.out and "알려 드릴 수 없습니다" in lines.out


def test_a_model_may_word_it_too(ondol: Ondol, made: Path, home: Path, talker: Bundle) -> None:
    (home / "bundles" / "wordy").symlink_to(talker.path, target_is_directory=True)
    words = ("assistant", "run", str(made), "안내 창구 운영 시간", "--words", "--json")
    told = ondol(*words, "--generate", "--model", "wordy").json
    assert told["generated"] and "talker" in told["mark"]


def test_packs_are_listed_broken_ones_too(ondol: Ondol, home: Path) -> None:
    ondol("assistant", "new", str(home / "packs" / "mine"))
    (home / "packs" / "broken").mkdir()
    (home / "packs" / "broken" / "assistant.toml").write_text("x")
    told = {each["name"]: each for each in ondol("assistant", "list", "--json").json["packs"]}
    assert set(told) == {"broken", "health", "machine", "mine", "money", "textbook"}
    assert told["broken"]["error"] and told["textbook"]["title"] == "교과서 도우미"
    assert "설비 매뉴얼" in ondol("assistant", "list").out


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("check", "nobody"), 2, "nobody"),
        (("run", "health", "--json", "--words"), 2, "question"),
        (("run", "health", "가", "--model", "talker"), 2, "--generate"),
        (("run", "health", " ", "--words"), 6, "empty"),
        (("new", "."), 2, "already"),
    ],
)
def test_what_cannot_be_done_is_said(
    ondol: Ondol, arguments: tuple[str, ...], code: int, text: str
) -> None:
    done = ondol("assistant", *arguments)
    assert done.code == code and text in done.err
