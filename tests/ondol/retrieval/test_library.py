"""A library end to end: in one file, only what changed, found inside words and across josa."""

import os
import sqlite3
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from encoder_bundles import embedder
from hwp_maker import Para, write_hwp
from ondol.bundle import Bundle
from ondol.encoder import Encoder, Kind, Long
from ondol.errors import BadPrompt, OptionError
from ondol.retrieval.errors import DocumentTooLarge, LibraryNotFound, StaleVectors
from ondol.retrieval.library import Library
from ondol.retrieval.limits import ReadLimits

FLOOR = "온돌은 바닥을 데우는 난방이다. 아궁이의 불길이 구들장 밑을 지난다."
LEAVE = "퇴직금은 퇴직한 날부터 14일 안에 지급해야 한다. 합의하면 늦출 수 있다."
SHEET = "수식을 쓰려면 등호를 먼저 입력한다. LibreOffice Calc에서 셀을 고른다."


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return embedder(tmp_path_factory.mktemp("encoder") / "tiny")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "floor.txt").write_text(FLOOR, "utf-8")
    (docs / "sheet.md").write_text(f"# 계산\n\n## 수식 쓰기\n\n{SHEET}", "utf-8")
    write_hwp(docs / "leave.hwp", [Para("노무", shape=1), Para(LEAVE, place=1600)])
    return docs


@pytest.fixture
def words(tmp_path: Path, folder: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "words.db", encoder=None) as library:
        library.ingest(folder)
        yield library


def first(library: Library, question: str) -> str:
    found = library.search(question)
    return Path(found[0].document).name if found else ""


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("퇴직금이 언제 나오나요?", "leave.hwp"),  # another josa
        ("구들장에서", "floor.txt"),
        ("수식", "sheet.md"),  # two syllables
        ("불", "floor.txt"),  # one, at the beginning of a word
        ("길", "floor.txt"),  # one inside a word
        ("지급", "leave.hwp"),
        ("libreoffice", "sheet.md"),
        ("14일", "leave.hwp"),
        ("전기차 배터리", ""),
    ],
)
def test_words_are_found_inside_others(words: Library, question: str, document: str) -> None:
    assert first(words, question) == document


def test_decomposed_questions_and_names_are_the_same(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / unicodedata.normalize("NFD", "온돌.txt")).write_text(
        unicodedata.normalize("NFD", FLOOR), "utf-8"
    )
    with Library.open(tmp_path / "a.db", encoder=None) as library:
        assert len(library.ingest(docs).added) == 1
        found = library.search(unicodedata.normalize("NFD", "구들장"))[0]
        assert found.document == str(docs / "온돌.txt")
        assert found.text == FLOOR
        assert library.ingest(docs).unchanged == (str(docs / "온돌.txt"),)


def test_passages_say_where_they_stand(words: Library) -> None:
    found = words.search("퇴직금 지급")[0]
    assert (found.page, found.headings, found.title) == (1, ("노무",), "노무")
    assert found.source == "leave.hwp · p. 1 · 노무"
    text = f"노무\n{LEAVE}"
    assert found.text == text[found.start : found.end]


def test_only_what_changed_is_read_again(words: Library, folder: Path) -> None:
    assert len(words.ingest(folder).unchanged) == 3
    (folder / "floor.txt").write_text(FLOOR.replace("아궁이", "보일러"), "utf-8")
    (folder / "copy.txt").write_bytes((folder / "sheet.md").read_bytes())
    (folder / "leave.hwp").unlink()
    done = words.ingest([folder])
    assert [Path(name).name for name in done.changed] == ["floor.txt"]
    assert ([Path(name).name for name in done.duplicates], done.added) == (["copy.txt"], ())
    assert [Path(name).name for name in done.removed] == ["leave.hwp"]
    assert (first(words, "보일러"), first(words, "아궁이"), first(words, "퇴직금")) == (
        "floor.txt",
        "",
        "",
    )


def test_a_copy_stays_when_its_original_changes(words: Library, folder: Path) -> None:
    (folder / "a copy.txt").write_bytes((folder / "floor.txt").read_bytes())
    (folder / "floor.txt").write_text(SHEET, "utf-8")
    done = words.ingest(folder)
    assert (len(done.added), len(done.changed), done.duplicates) == (1, 1, ())
    assert first(words, "구들장") == "a copy.txt"


def test_removing_leaves_no_trace(words: Library, folder: Path, tmp_path: Path) -> None:
    assert len(words.remove([folder / "leave.hwp", folder / "none.txt"])) == 1
    assert len(words.documents()) == 2
    with sqlite3.connect(tmp_path / "words.db") as look:
        held = look.execute("SELECT doc FROM vocabulary WHERE term = '퇴직'").fetchall()
    look.close()
    assert held == []


def test_one_bad_document_does_not_stop_the_others(tmp_path: Path, folder: Path) -> None:
    (folder / "bad.pdf").write_bytes(b"%PDF-1.7 broken")
    (folder / "empty.txt").touch()
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    (folder / "down").symlink_to(folder)  # a folder inside itself
    (folder / "notes.xyz").write_text("skipped in a folder")
    with Library.open(tmp_path / "a.db", encoder=None) as library:
        done = library.ingest([folder, folder / "notes.xyz", folder / "gone.txt"])
        assert len(done.added) == 3
        named = {Path(each.document).name: type(each.error).__name__ for each in done.failed}
    assert named == {
        "bad.pdf": "CorruptDocument",
        "empty.txt": "EmptyDocument",
        "loop.txt": "UnreadableDocument",
        "notes.xyz": "UnknownFormat",
        "gone.txt": "UnreadableDocument",
    }


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(500_000_000)  # sparse: no block is written
    with Library.open(tmp_path / "a.db", encoder=None) as library:
        (failed,) = library.ingest(path).failed
        assert isinstance(failed.error, DocumentTooLarge) and "500 MB" in failed.error.what
        small = tmp_path / "small.txt"
        small.write_text(FLOOR, "utf-8")
        assert library.ingest(small, limits=ReadLimits(file_bytes=10)).failed


def test_a_pipe_is_no_document(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with Library.open(tmp_path / "a.db", encoder=None) as library:
        (failed,) = library.ingest(tmp_path).failed
        assert "no file" in failed.error.why


def test_progress_counts_bytes(tmp_path: Path, folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    with Library.open(tmp_path / "a.db", encoder=None) as library:
        library.ingest(folder, lambda done, total: seen.append((done, total)))
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert seen[-1] == (size, size)
    assert seen == sorted(seen)


def test_vectors_rank_beside_words(tmp_path: Path, folder: Path, tiny: Bundle) -> None:
    with Encoder.open(tiny, threads=1) as encoder:
        with Library.open(tmp_path / "a.db", encoder=encoder) as library:
            library.ingest(folder)
            for passage in library.search("퇴직금", by="vectors"):
                assert passage.likeness is not None and passage.score == passage.likeness
                # float16 keeps 11 bits of each number
                row = encoder.embed(
                    [" > ".join(passage.headings) + "\n" + passage.text]
                    if passage.headings
                    else [passage.text],
                    long="window",
                )[0]
                query = encoder.embed(["퇴직금"], "query")[0]
                assert passage.likeness == pytest.approx(float(row @ query), abs=1e-3)
            both = library.search("퇴직금")
            assert all(each.score > (each.likeness or 0) for each in both if each.shared)
        assert encoder.embed(["온돌"]).shape == (1, encoder.facts.width)  # not closed by it


def test_vectors_of_another_encoder_are_not_used(
    tmp_path: Path, folder: Path, tiny: Bundle
) -> None:
    path = tmp_path / "a.db"
    with Library.open(path, encoder=None) as library:
        library.ingest(folder)
    with Library.open(path, encoder=tiny) as library:
        with pytest.raises(StaleVectors, match="3 of 3"):
            library.search("온돌")
        assert library.search("온돌", by="words")
        library.ingest([])
        assert library.search("온돌")
    other = embedder(tmp_path / "other", "float32")
    with Library.open(path, encoder=other) as library:
        with pytest.raises(StaleVectors, match="another encoder"):
            library.search("온돌")
        library.ingest([])
        assert library.search("온돌", by="vectors")


def test_vectors_of_equal_passages_are_made_once(
    tmp_path: Path, folder: Path, tiny: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Library.open(tmp_path / "a.db", encoder=tiny) as library:
        library.ingest(folder)
        made: list[str] = []
        real = Encoder.embed

        def counted(self: Encoder, texts: Sequence[str], kind: Kind, *, long: Long) -> object:
            made.extend(texts)
            return real(self, texts, kind, long=long)

        monkeypatch.setattr(Encoder, "embed", counted)
        (folder / "floor.txt").write_text(f"{FLOOR}\n\n새 문단이다. " + "길게 쓴다. " * 40, "utf-8")
        os.rename(folder / "sheet.md", folder / "moved.md")
        done = library.ingest(folder)
        assert (len(done.added), len(done.changed), len(done.removed)) == (1, 1, 1)
        assert not any("등호" in text for text in made)


def test_questions_that_cannot_be_meant(words: Library) -> None:
    for bad in ("", " \n", "\ud800"):
        with pytest.raises(BadPrompt):
            words.search(bad)
    for k in (0, 101):
        with pytest.raises(OptionError):
            words.search("온돌", k)
    with pytest.raises(OptionError, match="without an encoder"):
        words.search("온돌", by="vectors")
    assert words.search('"온돌" OR * NEAR( AND') != []
    assert words.search("!!!") == []
    assert words.search("가" * 20_000) == []


def test_an_empty_library_finds_nothing(tmp_path: Path, tiny: Bundle) -> None:
    with Library.open(tmp_path / "a.db", encoder=tiny) as library:
        assert library.search("온돌") == [] and library.documents() == ()
    with pytest.raises(LibraryNotFound):
        Library.open(tmp_path / "none.db", create=False)
