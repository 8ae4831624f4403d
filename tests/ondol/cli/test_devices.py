"""`ondol devices`: the list, the choice for a bundle, and the table."""

import pytest

from command_line import Ondol
from device_table import table
from ondol import registry, store
from ondol.choice import pick
from ondol.device import Silicon


def test_the_list_says_state_and_silicon(ondol: Ondol) -> None:
    done = ondol("devices", "--json")
    found = {each["name"]: each for each in done.json["devices"]}
    assert done.code == 0 and tuple(found)[: len(registry.DEVICES)] == tuple(registry.DEVICES)
    assert found["cpu"]["state"] == "available" and found["cpu"]["silicon"] == "yes"
    assert found["aim"]["silicon"] == "simulator"
    assert all(each["reason"] for each in found.values())


def test_the_choice_for_a_bundle(ondol: Ondol, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.DEVICES, "qnn", "no_such_module_of_ondol:Runtime")
    done = ondol("devices", "--for", "base", "--json")
    assert done.code == 0 and done.json["device"] == "cpu"
    passed = [each["device"] for each in done.json["passed"]]
    assert passed[0] == "qnn" and "mobilint" in passed
    shown = ondol("devices", "--for", "base").out
    assert "no_such_module_of_ondol" in shown and "every bundle runs on it" in shown
    assert ondol("devices", "--for", "nowhere").code == 4


def test_commands_without_a_device_say_what_was_passed_over(
    ondol: Ondol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.DEVICES, "qnn", "no_such_module_of_ondol:Runtime")
    arguments = ("chat", "base", "--once", "a", "--max-tokens", "1")
    done = ondol(*arguments)
    assert done.code == 0 and "Device cpu, not qnn; why: ondol devices --for" in done.err
    assert "not qnn" not in ondol(*arguments, "--device", "cpu").err
    assert ondol(*arguments, "--device", "null").code == 0


@pytest.mark.parametrize(
    ("silicon", "said"), [(Silicon.EMULATOR, False), (Silicon.NO, False), (Silicon.YES, True)]
)
def test_an_emulator_is_no_better_device_for_an_answer(
    silicon: Silicon, said: bool, ondol: Ondol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(registry.runtime("qnn")), "silicon", silicon)
    done = ondol("chat", "base", "--once", "a", "--max-tokens", "1")
    assert done.code == 0 and ("qnn" in done.err) == said
    assert "qnn: " in str(pick(store.find("base")))  # `ondol devices --for` says it all the same


@pytest.mark.parametrize(("language", "word"), [("en", "run on silicon"), ("ko", "실제 칩에서")])
def test_the_table_is_markdown(
    language: str, word: str, ondol: Ondol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDOL_LANG", language)
    done = ondol("devices", "--table")
    assert done.out == table(language) and word in done.out.splitlines()[0]
    assert ondol("devices", "--table", "--json").code == 2
