"""Packs as folders: what holds, and strangers' folders that do not."""

import os
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from ondol.errors import BadPack, OptionError
from ondol.packs import reading
from ondol.packs.finding import find_pack, names
from ondol.packs.making import make_pack
from ondol.packs.pack import GLOSSARY, SAMPLES, SETTINGS, Pack, Rule

LEAST = 'ondol_assistant = 1\ntitle = "가"\n'


def test_what_new_makes_holds(pack: Pack) -> None:
    assert pack.settings.title == "민원 안내" and pack.settings.speech_level == "하십시오체"
    assert list(pack.documents) == ["안내.md"] and len(pack.samples) == 3
    assert pack.samples[0].cites == "안내.md" and pack.samples[2].refuses is True
    with pytest.raises(OptionError, match="already"):
        make_pack(pack.folder)


def test_only_version_and_title_are_needed(tmp_path: Path) -> None:
    (tmp_path / SETTINGS).write_text(LEAST)
    pack = Pack.open(tmp_path)
    assert pack.settings.rules == () and pack.settings.chosen.temperature == 0.0
    assert not pack.documents and not pack.glossary and not pack.samples


def test_names_and_texts_come_in_nfc(tmp_path: Path) -> None:
    apart = unicodedata.normalize("NFD", "문서.md")
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / apart).write_text("가")
    text = LEAST + '[[rules]]\nname = "규칙"\nwhen = ["가나"]\nanswer = "다"\n'
    (tmp_path / SETTINGS).write_text(unicodedata.normalize("NFD", text), "utf-8")
    (tmp_path / SAMPLES).write_text(f'{{"ask": "가?", "cites": "{apart}"}}', "utf-8")
    pack = Pack.open(tmp_path)
    assert list(pack.documents) == ["문서.md"] and pack.samples[0].cites == "문서.md"
    assert pack.settings.rules == (Rule("규칙", ("가나",), "다"),)


@pytest.mark.parametrize(
    "settings",
    [
        "",
        "title = ",
        'title = "가"',
        'ondol_assistant = 2\ntitle = "가"',
        'ondol_assistant = 1\ntitle = " "',
        'ondol_assistant = true\ntitle = "가"',
        LEAST + 'speech_level = "극존칭"',
        LEAST + 'speech_level = "알 수 없음"',
        LEAST + 'model = "../../etc"',
        LEAST + "unknown = 1",
        LEAST + "[sampling]\ntemperature = -1.0",
        LEAST + "[sampling]\ntop_p = nan",
        LEAST + "[sampling]\nmax_tokens = 0",
        LEAST + "sampling = 3",
        LEAST + "rules = 3",
        LEAST + "[[rules]]\nname = 'a'\nwhen = []\nanswer = 'b'",
        LEAST + "[[rules]]\nname = 'a'\nwhen = ['']\nanswer = 'b'",
        LEAST + "[[rules]]\nname = 'a'\nwhen = ['x']\nanswer = 'b'\n" * 2,
        LEAST + "a = " + "[" * 5000,
    ],
)
def test_settings_that_cannot_be_meant_are_named(tmp_path: Path, settings: str) -> None:
    (tmp_path / SETTINGS).write_text(settings)
    with pytest.raises(BadPack, match=r"assistant\.toml"):
        Pack.open(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        (SAMPLES, "{", "samples.jsonl:1"),
        (SAMPLES, "[]", "samples.jsonl:1"),
        (SAMPLES, '\n{"ask": ""}', "samples.jsonl:2"),
        (SAMPLES, '{"ask": "가", "cites": "없음.md"}', "samples.jsonl:1"),
        (SAMPLES, '{"ask": "가", "cites": "../assistant.toml"}', "samples.jsonl:1"),
        (SAMPLES, '{"ask": "가", "contain": ["나"]}', "samples.jsonl:1"),
        (SAMPLES, '{"ask": "가", "contains": "나"}', "samples.jsonl:1"),
        (SAMPLES, '{"ask": "' + "가" * 30000 + '"}', "samples.jsonl:1"),
        (GLOSSARY, "용어 뜻", "glossary.tsv:1"),
        (GLOSSARY, "가\t나\n가\t다", "glossary.tsv:2"),
        ("schemas/가.json", "[1]", "schemas/가.json"),
        ("schemas/가.json", "[" * 100_000, "schemas/가.json"),
    ],
)
def test_files_that_do_not_hold_are_named(pack: Pack, name: str, text: str, where: str) -> None:
    (pack.folder / name).write_text(text, "utf-8")
    with pytest.raises(BadPack) as refused:
        Pack.open(pack.folder)
    assert where in refused.value.what and refused.value.why


def test_bytes_that_are_no_text_are_named(pack: Pack) -> None:
    (pack.folder / GLOSSARY).write_bytes(b"\xff\xfe\t\x00")
    with pytest.raises(BadPack, match="UTF-8"):
        Pack.open(pack.folder)


def _link_out(folder: Path) -> None:
    (folder / "documents" / "out.md").symlink_to("/etc/hostname")


def _link_folder(folder: Path) -> None:
    (folder / "documents" / "loop").symlink_to(folder, target_is_directory=True)


def _link_settings(folder: Path) -> None:
    (folder / SETTINGS).unlink()
    (folder / SETTINGS).symlink_to("/etc/hostname")


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "documents" / "pipe.md")


def _huge(folder: Path) -> None:
    with (folder / "documents" / "huge.txt").open("wb") as file:
        file.truncate(reading.DOCUMENT_BYTES + 1)


def _huge_settings(folder: Path) -> None:
    with (folder / GLOSSARY).open("wb") as file:
        file.truncate(reading.TEXT_BYTES + 1)


def _deep(folder: Path) -> None:
    (folder / "/".join(["documents", *"abcdef"])).mkdir(parents=True)


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes as POSIX has them")
@pytest.mark.parametrize(
    "spoil", [_link_out, _link_folder, _link_settings, _pipe, _huge, _huge_settings, _deep]
)
def test_hostile_folders_are_refused(pack: Pack, spoil: Callable[[Path], None]) -> None:
    spoil(pack.folder)
    with pytest.raises(BadPack):
        Pack.open(pack.folder)


def test_too_many_files_are_refused(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_FILES", 3)
    with pytest.raises(BadPack, match="files"):
        Pack.open(pack.folder)
    monkeypatch.undo()
    monkeypatch.setattr(reading, "WHOLE_BYTES", 100)
    with pytest.raises(BadPack, match="bytes"):
        Pack.open(pack.folder)


def test_packs_are_found_by_folder_and_by_name(pack: Pack, home: Path) -> None:
    assert find_pack(str(pack.folder)).name == "민원 안내"
    assert list(names()) == ["health", "machine", "money", "textbook"]
    (home / "packs").mkdir(parents=True)
    make_pack(home / "packs" / "health")
    assert find_pack("health").settings.title == "health"
    for wrong in ("nobody", "", "..", str(home), "\0"):
        with pytest.raises(BadPack):
            find_pack(wrong)
