"""Which of a bundle's files its tokenizer is opened from, and what stays open."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ondol.archive import Place
from ondol.bundle import Bundle, entry_of
from ondol.engine import Engine
from ondol.errors import CorruptBundle, MissingExtra, SessionClosed
from ondol.manifest import MANIFEST
from ondol.packing import pack
from ondol.tokenizer import Tokenizer
from ondol.tokenizing.layout import TABLE
from ondol.tokenizing.table import Table
from ondol_converters.tokenizers.mapping import mapped_table
from tiny_models import Tiny
from tokenizer_kinds import STORY, changed, kinds
from vocabulary_maker import trained

TOKENIZER = "tokenizer.json"


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter without the `tokenizers` library."""
    found = importlib.util.find_spec
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    monkeypatch.setattr(
        "ondol.tokenizing.library.find_spec",
        lambda name: None if name == "tokenizers" else found(name),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tokenizer.json and its table."""
    text = kinds()["small-pieces"]
    (tmp_path / TOKENIZER).write_text(text, "utf-8")
    table = mapped_table(text)
    assert table is not None
    (tmp_path / TABLE).write_bytes(table)
    return tmp_path


def test_the_table_comes_first(folder: Path) -> None:
    path = folder / TOKENIZER
    mapped, library = Tokenizer.open(path), Tokenizer.open(path, by="library")
    assert (mapped.backend, library.backend) == ("mapped", "tokenizers")
    assert mapped.encode(STORY) == library.encode(STORY)
    (folder / TABLE).unlink()
    assert Tokenizer.open(path).backend == "tokenizers"
    assert Tokenizer.open(path, by="table").encode(STORY) == library.encode(STORY)


def test_a_table_of_another_file_is_refused(folder: Path) -> None:
    path = folder / TOKENIZER
    path.write_text(changed(path.read_text("utf-8"), lambda w: w["added_tokens"].pop()), "utf-8")
    with pytest.raises(CorruptBundle, match=r"another tokenizer\.json"):
        Tokenizer.open(path)


def test_tables_that_cannot_be_mapped_are_named(folder: Path) -> None:
    (folder / TABLE).write_bytes(b"")
    with pytest.raises(CorruptBundle, match=r"tokenizer\.bin"):
        Tokenizer.open(folder / TOKENIZER)
    with pytest.raises(CorruptBundle, match=r"tokenizer\.bin"):
        Table.mapped(Place(folder / TABLE, 0, 5000))
    with pytest.raises(CorruptBundle, match="none"):
        Table.mapped(Place(folder / "none", 0, 5000))


@pytest.mark.usefixtures("no_library")
@pytest.mark.parametrize("name", ["small-pieces", "level", "pattern-llama3-whole", "pieces-added"])
def test_without_the_library_tables_are_made_in_memory(name: str) -> None:
    tokenizer = Tokenizer(kinds()[name], bos=1)
    assert tokenizer.backend == "mapped"
    korean = "온돌은 방바닥을 데우는 난방 방식이다. 123"
    assert tokenizer.encode(korean)
    with pytest.raises(MissingExtra, match="framed"):
        tokenizer.frame(korean)


@pytest.mark.usefixtures("no_library")
@pytest.mark.parametrize("kind", ["unigram", "wordpiece"])
def test_what_only_the_library_runs_says_so(kind: str) -> None:
    with pytest.raises(MissingExtra, match="pip install tokenizers") as caught:
        Tokenizer(trained(kind))
    assert "model" in caught.value.why


@pytest.mark.usefixtures("no_library")
def test_broken_files_are_named_without_the_library_too() -> None:
    good = kinds()["small-pieces"]
    broken = ["", "{}", "[]", "3", good[: len(good) // 2], good.replace('"안 녕"', '"안 뷁"')]
    broken.append(changed(good, lambda w: w["model"]["vocab"].update(가=1 << 40)))
    for text in broken:
        with pytest.raises(CorruptBundle, match=r"tokenizer\.json"):
            Tokenizer(text)


@pytest.mark.parametrize(
    "change",
    [
        lambda w: w["model"].update(dropout=0.1),
        lambda w: w["model"].update(end_of_word_suffix="</w>"),
        lambda w: w.update(normalizer={"type": "Lowercase"}),
        lambda w: w.update(pre_tokenizer={"type": "Whitespace"}),
        lambda w: w["added_tokens"][-1].update(special=False, single_word=True),
    ],
)
def test_what_tables_do_not_hold_has_none(change: object) -> None:
    assert callable(change)
    assert mapped_table(changed(kinds()["small-pieces"], change)) is None
    assert mapped_table(trained("unigram")) is None


def test_an_engine_maps_its_table_and_lets_it_go(tiny: Tiny, tmp_path: Path) -> None:
    packed = pack(tiny("llama3"), tmp_path / "a.ondol")
    texts: dict[Path, list[int]] = {}
    for bundle in (tiny("llama3"), packed):
        with Engine.open(bundle, device="null") as engine:
            assert engine.tokenizer.backend == "mapped"
            assert str(bundle.holder(TABLE)) in Path("/proc/self/maps").read_text()
            texts[bundle.path] = engine.tokenizer.encode(STORY)
        assert str(bundle.holder(TABLE)) not in Path("/proc/self/maps").read_text()
        with pytest.raises(SessionClosed):
            engine.tokenizer.encode("온돌")
    library = Tokenizer.of(packed, by="library")
    assert set(map(tuple, texts.values())) == {tuple(library.encode(STORY))}
    assert library.backend == "tokenizers"


def test_a_bundle_without_a_table_opens_as_before(tiny: Tiny, tmp_path: Path) -> None:
    shutil.copytree(tiny("llama3").path, tmp_path / "old")
    manifest = json.loads((tmp_path / "old" / "manifest.json").read_text())
    manifest["files"] = [entry for entry in manifest["files"] if entry["path"] != TABLE]
    (tmp_path / "old" / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "old" / TABLE).write_bytes(b"not of the manifest, so not looked at")
    with Engine.open(tmp_path / "old", device="null") as engine:
        assert engine.tokenizer.backend == "tokenizers"


def test_the_manifest_ties_table_and_text_together(tiny: Tiny, tmp_path: Path) -> None:
    shutil.copytree(tiny("llama3").path, tmp_path / "mixed")
    table = mapped_table(kinds()["small-pieces"])
    assert table is not None
    (tmp_path / "mixed" / TABLE).write_bytes(table)
    manifest = Bundle.open(tiny("llama3").path).manifest
    entry = entry_of(tmp_path / "mixed", TABLE)
    files = tuple(entry if each.path == TABLE else each for each in manifest.files)
    (tmp_path / "mixed" / MANIFEST).write_text(replace(manifest, files=files).to_json(), "utf-8")
    Bundle.open(tmp_path / "mixed").verify()
    with pytest.raises(CorruptBundle, match=r"another tokenizer\.json"):
        Tokenizer.of(Bundle.open(tmp_path / "mixed"))


def test_opening_a_table_loads_no_library(folder: Path) -> None:
    code = "import sys; from pathlib import Path; from ondol.tokenizer import Tokenizer\n"
    code += f"ids = Tokenizer.open(Path({str(folder / TOKENIZER)!r})).encode('온돌 abc')\n"
    code += "print(len(ids), sorted({'tokenizers', 'numpy', 'regex'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONUTF8": "1"},
    )
    assert done.stdout.split(" ", 1)[1].strip() == "[]"
