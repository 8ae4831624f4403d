"""`ondol lint`: JSON, a table, and an exit code."""

import pytest

from command_line import Ondol


def test_what_is_not_taken_is_an_exit_code(ondol: Ondol) -> None:
    done = ondol("lint", "base", "--target", "one", "--json")
    assert done.code == 5 and done.json["first"]["node"] == "mask/last"
    assert sum(each["count"] for each in done.json["refused"]) == (
        done.json["nodes"] - done.json["taken"]
    )
    assert ondol("lint", "base", "--target", "cpu", "--json").json["refused"] == []


@pytest.mark.parametrize(("language", "word"), [("en", "first not taken"), ("ko", "없는 첫 노드")])
def test_a_table_in_both_languages(
    language: str, word: str, ondol: Ondol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDOL_LANG", language)
    done = ondol("lint", "base", "--target", "one")
    assert done.code == 5 and word in done.out and "GroupQueryAttention" in done.out
    assert "--target one" in done.out and "onert 0.1.0" in done.out
    assert ondol("lint", "base", "--target", "cpu").code == 0


def test_what_cannot_be_meant(ondol: Ondol) -> None:
    assert ondol("lint", "base").code == 2
    assert ondol("lint", "base", "--target", "toaster").code == 2
    assert ondol("lint", "nowhere", "--target", "one").code == 4
