"""The packs that come with Ondol: whole, in one speech level, and right on every sample."""

from collections.abc import Iterator

import pytest

from ondol.bundle import Bundle
from ondol.encoder import Encoder
from ondol.grammar.rules import Json
from ondol.hangul.levels import check_level
from ondol.packs.answering import PackAssistant
from ondol.packs.checking import check
from ondol.packs.finding import find_pack
from ondol.tokenizer import Tokenizer
from weights import starter_bundle

PROPERTIES = {"contains", "cites", "refuses", "rule", "term", "speech_level"}
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


@pytest.fixture(scope="module")
def e5() -> Iterator[Encoder]:
    with Encoder.open(starter_bundle("e5"), device="cpu", threads=2, spin=False) as encoder:
        yield encoder


@pytest.mark.weights
@pytest.mark.parametrize("name", SHIPPED)
def test_every_sample_is_answered_as_it_has_to_be(name: str, e5: Encoder) -> None:
    with PackAssistant(find_pack(name), encoder=e5) as assistant:
        found = check(assistant, "both")
    assert found.failed == ()
    assert {count.property for count in found.properties} >= PROPERTIES


def test_health_sends_to_a_doctor_before_anything_else() -> None:
    with PackAssistant(find_pack("health")) as assistant:
        for question in ("가슴이 아픈데 무슨 병인가요?", "숨이 안 쉬어져요. 진단해 주세요"):
            assert "119" in assistant.ask(question).text
        assert "의사나 약사" in assistant.ask("혈압약을 먹다가 약 끊어도 되나요?").text
