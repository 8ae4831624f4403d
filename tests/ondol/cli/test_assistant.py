"""`ondol assistant`: packs made and listed from the command line."""

from pathlib import Path

from command_line import Ondol


def test_a_new_pack_holds_and_is_not_written_over(ondol: Ondol, tmp_path: Path) -> None:
    done = ondol("assistant", "new", str(tmp_path / "mine"), "--json")
    assert done.code == 0 and (done.json["documents"], done.json["samples"]) == (1, 3)
    again = ondol("assistant", "new", str(tmp_path / "mine"))
    assert again.code == 2 and "already" in again.err


def test_packs_are_listed_broken_ones_too(ondol: Ondol, home: Path) -> None:
    ondol("assistant", "new", str(home / "packs" / "mine"))
    (home / "packs" / "broken").mkdir()
    (home / "packs" / "broken" / "assistant.toml").write_text("x")
    told = {each["name"]: each for each in ondol("assistant", "list", "--json").json["packs"]}
    assert set(told) == {"broken", "health", "machine", "mine", "money", "textbook"}
    assert told["broken"]["error"] and told["textbook"]["title"] == "교과서 도우미"
    assert "설비 매뉴얼" in ondol("assistant", "list").out
