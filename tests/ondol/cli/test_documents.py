"""`ondol ingest` and `ondol ask`: documents in, quotations out, failures in a table."""

from pathlib import Path

import pytest

from command_line import Ondol
from encoder_bundles import embedder

LEAVE = "퇴직금은 퇴직한 날부터 14일 이내에 지급해야 한다. 합의하면 늦출 수 있다."


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "퇴직금.md").write_text(f"# 지급 기한\n\n{LEAVE}\n", "utf-8")
    return folder


@pytest.fixture
def words(tmp_path: Path) -> tuple[str, ...]:
    return ("--library", str(tmp_path / "a.db"), "--encoder", "none")


def test_documents_are_taken_and_asked(ondol: Ondol, docs: Path, words: tuple[str, ...]) -> None:
    done = ondol("ingest", str(docs), *words)
    assert (done.code, "added" in done.out) == (0, True), done.err
    found = ondol("ask", "퇴직금 지급 기한은?", *words, "--extractive")
    assert found.code == 0
    quote, source = found.out.splitlines()[:2]
    assert quote == "“퇴직금은 퇴직한 날부터 14일 이내에 지급해야 한다.”"
    assert source == "퇴직금.md · 지급 기한"
    nothing = ondol("ask", "비행기 표 값", *words)
    assert (nothing.code, nothing.out.splitlines()[0]) == (0, "문서에서 찾지 못했습니다.")


def test_json(ondol: Ondol, docs: Path, words: tuple[str, ...]) -> None:
    (docs / "bad.pdf").write_bytes(b"%PDF-")
    done = ondol("ingest", str(docs), *words, "--json")
    assert done.code == 12
    assert len(done.json["added"]) == 1 and done.json["passages"] == 1
    (failed,) = done.json["failed"]
    assert failed["document"].endswith("bad.pdf") and failed["error"]["kind"] == "CorruptDocument"
    found = ondol("ask", "퇴직금 지급 기한", *words, "--extractive", "--json").json
    assert found["found"] and found["quote"] in LEAVE and found["label"] is None
    assert found["passages"][0]["headings"] == ["지급 기한"]


def test_what_failed_is_a_table(ondol: Ondol, docs: Path, words: tuple[str, ...]) -> None:
    (docs / "bad.pdf").write_bytes(b"%PDF-")
    (docs / "empty.txt").touch()
    done = ondol("ingest", str(docs), *words)
    assert done.code == 12
    assert "bad.pdf" in done.out and "The document is damaged." in done.out
    assert "empty.txt" in done.out and "The document has no text." in done.out


def test_a_model_words_an_answer_beside_the_quotation(
    ondol: Ondol, docs: Path, words: tuple[str, ...], reading: Path
) -> None:
    ondol("ingest", str(docs), *words)
    given = ("ask", "퇴직금 지급 기한", *words, "--model", str(reading), "--device", "null")
    done = ondol(*given)
    assert done.code == 0, done.err
    assert done.out.startswith("“퇴직금은") and "Written by AI from: 퇴직금.md" in done.out
    found = ondol(*given, "--json").json
    assert found["model"] and found["label"]["ai_generated"] is True


def test_vectors_by_a_bundle_of_ones_own(ondol: Ondol, docs: Path, tmp_path: Path) -> None:
    encoder = str(embedder(tmp_path / "tiny").path)
    given = ("--library", str(tmp_path / "b.db"), "--encoder", encoder)
    assert ondol("ingest", str(docs), *given).code == 0
    found = ondol("ask", "퇴직금", *given, "--extractive", "--json").json
    assert found["passages"][0]["likeness"] is not None


def test_a_library_that_is_not_there(ondol: Ondol, words: tuple[str, ...]) -> None:
    done = ondol("ask", "무엇", *words)
    assert done.code == 13 and "There is no library here" in done.err
    at = words.index("--library")
    done = ondol("ask", "무엇", *words[at : at + 2])  # no encoder is made first
    assert done.code == 13 and done.err.startswith("There is no library here")
