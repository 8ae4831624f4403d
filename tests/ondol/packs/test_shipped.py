"""The packs that come with Ondol: whole, and in one speech level."""

import pytest

from ondol.bundle import Bundle
from ondol.grammar.rules import Json
from ondol.hangul.levels import check_level
from ondol.packs.finding import find_pack
from ondol.tokenizer import Tokenizer

SHIPPED = ("health", "machine", "money", "textbook")


@pytest.mark.parametrize("name", SHIPPED)
def test_all_they_say_keeps_their_speech_level(name: str) -> None:
    pack = find_pack(name)
    told = pack.settings
    texts = [told.notice, *pack.glossary.values(), *(rule.answer for rule in told.rules)]
    for path in pack.documents.values():
        lines = path.read_text("utf-8").splitlines()
        texts += [line for line in lines if not line.startswith("#")]
    wrong = [s.text for text in texts for s in check_level(text, told.speech_level).breaks]
    assert told.speech_level and wrong == []


@pytest.mark.parametrize("name", SHIPPED)
def test_they_are_small_and_say_what_they_are(name: str) -> None:
    pack = find_pack(name)
    told = pack.settings
    assert 2 <= len(pack.documents) <= 4 and len(pack.samples) >= 12 and pack.schemas
    assert told.title and told.summary and told.system and told.notice
    assert told.licence == "Apache-2.0" and told.rules


@pytest.mark.parametrize("name", SHIPPED)
def test_their_schemas_can_be_kept_to(name: str, talker: Bundle) -> None:
    pytest.importorskip("llguidance")
    tokenizer = Tokenizer.of(talker)
    for schema in find_pack(name).schemas.values():
        assert not Json(schema).over(tokenizer).finished
