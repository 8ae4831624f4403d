"""A pack at work: rules, then terms, then documents; what nobody answers is said so."""

from pathlib import Path

import pytest

from ondol import Assistant
from ondol.bundle import Bundle
from ondol.errors import BadPrompt, OndolError
from ondol.packs.answering import Origin, PackAssistant, library_path
from ondol.packs.checking import check
from ondol.packs.pack import SAMPLES, Pack


def test_rules_come_first_then_terms_then_documents(pack: Pack) -> None:
    with PackAssistant(pack) as assistant:
        rule = assistant.ask("안내 창구 비밀번호  알려 줘")
        term = assistant.ask("안내 창구가 뭐예요?")
        quoted = assistant.ask("안내 창구 운영 시간")
        nothing = assistant.ask("된장찌개 끓이는 법")
    assert (rule.origin, rule.source, rule.refuses) == (Origin.RULE, "비밀번호", True)
    assert (term.origin, term.text) == (Origin.GLOSSARY, pack.glossary["안내 창구"])
    assert quoted.origin is Origin.DOCUMENTS and quoted.document == "안내.md"
    assert quoted.text in (pack.folder / "documents" / "안내.md").read_text("utf-8")
    assert "안내.md" in quoted.source and "운영 시간" in quoted.source and not quoted.refuses
    assert nothing.origin is Origin.NOTHING and nothing.refuses
    assert nothing.text == "문서에서 찾지 못했습니다."


@pytest.mark.parametrize("question", ["", " \n", "\ud800"])
def test_what_is_no_question_is_named(pack: Pack, question: str) -> None:
    with PackAssistant(pack) as assistant, pytest.raises(BadPrompt):
        assistant.ask(question)


def test_the_library_is_kept_and_follows_the_folder(pack: Pack) -> None:
    document = pack.folder / "documents" / "안내.md"
    with PackAssistant(pack) as assistant:
        assert "오전 9시" in assistant.ask("운영 시간 안내 창구").text
    kept = library_path(pack)
    assert kept.is_file()
    document.write_text("# 이용 안내\n\n## 운영 시간\n안내 창구는 새벽 4시에 엽니다.\n", "utf-8")
    with PackAssistant(pack) as assistant:
        assert "새벽 4시" in assistant.ask("운영 시간 안내 창구").text
    document.rename(pack.folder / "documents" / "다른.md")
    (pack.folder / SAMPLES).write_text("")
    with PackAssistant(Pack.open(pack.folder)) as assistant:
        assert assistant.ask("운영 시간 안내 창구").document == "다른.md"


def test_a_document_that_cannot_be_read_is_named(pack: Pack) -> None:
    (pack.folder / "documents" / "깨짐.pdf").write_bytes(b"%PDF-1.4 nothing")
    with pytest.raises(OndolError):
        PackAssistant(Pack.open(pack.folder))


def test_a_model_words_an_answer_beside_the_quotation(pack: Pack, talker: Bundle) -> None:
    with (
        Assistant(talker, threads=1, spin=False) as model,
        PackAssistant(pack, model=model) as assistant,
    ):
        said = assistant.ask("안내 창구 운영 시간")
        assert said.reply is not None and said.reply.read()
        assert said.reply.label.ai_generated and said.text != said.reply.text
        assert assistant.ask("비밀번호 알려 줘").reply is None


def test_a_check_counts_each_property_and_shows_what_is_not_so(pack: Pack, tmp_path: Path) -> None:
    samples = (pack.folder / SAMPLES).read_text("utf-8")
    more = (
        '{"ask": "안내 창구 운영 시간", "contains": ["자정"], "not_contains": ["평일"], '
        '"cites": "안내.md", "refuses": true, "term": "안내 창구", "max_seconds": 60}\n'
    )
    (pack.folder / SAMPLES).write_text(samples + more, "utf-8")
    with PackAssistant(Pack.open(pack.folder), library=tmp_path / "docs.db") as assistant:
        found = check(assistant, "words")
    counts = {count.property: (count.passed, count.asked) for count in found.properties}
    assert counts["refuses"] == (2, 3) and counts["cites"] == (2, 2)
    assert counts["max_seconds"] == (1, 1) and counts["speech_level"] == (1, 1)
    wrong = {verdict.property for verdict in found.failed}
    assert wrong == {"contains", "not_contains", "refuses", "term"} and not found.passed
    assert all(verdict.ask == "안내 창구 운영 시간" for verdict in found.failed)


def test_a_broken_speech_level_is_shown(pack: Pack) -> None:
    document = pack.folder / "documents" / "안내.md"
    document.write_text("# 안내\n\n## 운영 시간\n안내 창구는 오전 9시에 연다.\n", "utf-8")
    with PackAssistant(pack) as assistant:
        failed = check(assistant, "words").failed
    assert [verdict.property for verdict in failed] == ["speech_level"]
    assert "연다" in failed[0].seen
