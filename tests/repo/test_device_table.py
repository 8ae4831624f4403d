"""The READMEs' table of devices is what the devices say of themselves."""

import pytest

from device_table import LANGUAGES, rewritten, section, table
from ondol import registry
from ondol.choice import PREFERENCE
from ondol.device import Silicon
from source_tree import ROOT

NAMED_ONLY = {"plugin", "reference", "aim", "null"}
"""Never chosen by itself: what has to be told which, an oracle, a simulation and nothing at all."""


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_table_is_the_devices_own(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert section(text) == table(LANGUAGES[name]), "write it anew: make device-table"


def test_a_table_out_of_step_is_written_anew() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    stale = text.replace("| `null` |", "| `void` |")
    assert section(stale) != table("en") and rewritten(stale, "en") == text


@pytest.mark.parametrize("name", registry.DEVICES)
def test_every_device_says_what_it_is_in_both_languages(name: str) -> None:
    english, korean = registry.runtime(name).about
    assert english and korean and english != korean
    assert "|" not in english + korean and "\n" not in english + korean


def test_every_device_has_its_place_or_has_to_be_named() -> None:
    ranked = [rank.device for rank in PREFERENCE]
    assert len(set(ranked)) == len(ranked)
    assert set(registry.DEVICES) - set(ranked) == NAMED_ONLY
    assert all(english and korean for english, korean in (rank.why for rank in PREFERENCE))


def test_what_never_ran_on_silicon_does_not_claim_it() -> None:
    ran = {n for n in registry.DEVICES if registry.runtime(n).silicon is Silicon.YES}
    assert ran == {"cpu", "capi", "lowmem", "openvino"}
