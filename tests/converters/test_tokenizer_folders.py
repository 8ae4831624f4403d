"""Folders without a tokenizer.json: their tokens against transformers' slow tokenizers.

`fixtures/make_tokenizer_folders.py` trained them on our texts and asked transformers.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import tokenizers

from ondol.errors import CorruptSource, MissingTokenizer, SourceError
from ondol.tokenizer import Tokenizer
from ondol_converters.texts import load
from ondol_converters.tokenizers import from_folder

FOLDERS = Path(__file__).parents[1] / "fixtures" / "tokenizers" / "folders"
TEXTS: list[str] = json.loads((FOLDERS / "texts.json").read_text("utf-8"))
NAMES = sorted(path.name for path in FOLDERS.iterdir() if path.is_dir())
ENCODERS = ("koelectra", "kobert", "uncased", "xlmr")
BYTES = ("gpt2", "llama")


def expected(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDERS / name / "expected.json").read_text("utf-8"))
    return found


def opened(folder: Path) -> Tokenizer:
    files = from_folder(folder)
    return Tokenizer(files.json, bos=files.bos, eos=files.eos)


def library(folder: Path) -> tokenizers.Tokenizer:
    """The same tokenizer.json in the hands of others."""
    made = tokenizers.Tokenizer.from_str(from_folder(folder).json)
    made.encode_special_tokens = True
    return made


def copied(name: str, folder: Path, **settings: object) -> Path:
    shutil.copytree(FOLDERS / name, folder)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | settings), "utf-8")
    return folder


def test_the_fixture_holds_what_it_should() -> None:
    assert sorted([*ENCODERS, *BYTES]) == NAMES and len(TEXTS) > 100
    for name in NAMES:
        assert len(expected(name)["ids"]) == len(TEXTS)
        assert not (FOLDERS / name / "tokenizer.json").exists()


@pytest.mark.parametrize("name", NAMES)
def test_ids_are_those_of_transformers(name: str) -> None:
    tokenizer = opened(FOLDERS / name)
    for text, ids in zip(TEXTS, expected(name)["ids"], strict=True):
        assert tokenizer.encode(text) == ids, text


@pytest.mark.parametrize("name", ENCODERS)
def test_special_tokens_go_around_texts_and_pairs(name: str) -> None:
    made, known = library(FOLDERS / name), expected(name)
    for text, ids in zip(TEXTS, known["whole"], strict=False):
        assert made.encode(text).ids == ids
    assert made.encode(TEXTS[0], TEXTS[1]).ids == known["pair"]


def test_a_prompt_of_llama_begins_with_its_bos() -> None:
    files, known = from_folder(FOLDERS / "llama"), expected("llama")
    assert (files.bos, files.eos) == (1, (2,))
    for plain, ids in zip(known["ids"], known["whole"], strict=False):
        assert [files.bos, *plain] == ids


@pytest.mark.parametrize("name", BYTES)
def test_what_is_spelt_in_bytes_comes_back_whole(name: str) -> None:
    tokenizer = opened(FOLDERS / name)
    for text in TEXTS:
        assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("name", ENCODERS)
def test_decoding_is_the_librarys(name: str) -> None:
    tokenizer, made = opened(FOLDERS / name), library(FOLDERS / name)
    for ids in expected(name)["ids"]:
        assert tokenizer.decode(ids) == made.decode(ids)


@pytest.mark.parametrize("name", ENCODERS)
def test_what_users_type_is_no_special_token(name: str) -> None:
    tokenizer = opened(FOLDERS / name)
    special = set(tokenizer.special_tokens.values())
    unknown = tokenizer.encode("🛸")[-1]
    for token in tokenizer.special_tokens:
        assert special & set(tokenizer.encode(f"온돌 {token} 방{token}")) <= {unknown}


def test_a_vocabulary_alone_says_whether_it_is_cased(tmp_path: Path) -> None:
    for name, text in (("koelectra", "The"), ("uncased", "the")):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(FOLDERS / name / "vocab.txt", folder)
        tokenizer, said = opened(folder), opened(FOLDERS / name)
        assert tokenizer.decode(tokenizer.encode("The")) == text
        assert tokenizer.encode("온돌 café") == said.encode("온돌 café")  # Hangul stays whole


def kogpt2(folder: Path) -> Path:
    """A tokenizer.json as KoGPT2's: BPE over characters, words marked in the older way."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="<unk>"))
    made.normalizer = tokenizers.normalizers.NFKC()
    made.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    made.decoder = tokenizers.decoders.Metaspace()
    special = ["<s>", "</s>", "<usr>", "<pad>", "<sys>", "<unk>", "<mask>", "<d>", "</d>"]
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=2000, special_tokens=special, show_progress=False
    )
    made.train_from_iterator(load().text.splitlines(), trainer)
    whole = json.loads(made.to_str())
    for part in (whole["pre_tokenizer"], whole["decoder"]):
        for key in ("prepend_scheme", "split"):
            del part[key]
        part["add_prefix_space"] = True
    folder.mkdir()
    (folder / "tokenizer.json").write_text(json.dumps(whole), "utf-8")
    config = {"eos_token": "</s>", "bos_token": "</s>", "tokenizer_class": "GPT2Tokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
    return folder


def test_a_tokenizer_json_of_kogpt2_is_kept_and_decodes(tmp_path: Path) -> None:
    folder = kogpt2(tmp_path / "kogpt2")
    files, tokenizer, made = from_folder(folder), opened(folder), library(folder)
    assert (files.bos, files.eos) == (None, (1,))
    for text in [*load().text.splitlines(), "</d> <s>온돌</s> <unused0>", " 앞 빈칸"]:
        ids = tokenizer.encode(text)
        assert ids == made.encode(text, add_special_tokens=False).ids
        assert tokenizer.decode(ids) == made.decode(ids)
        assert set(ids).isdisjoint(set(tokenizer.special_tokens.values()) - {5})  # <unk>
    korean = "온돌은 방바닥을 데우는 난방 방식이다."
    assert tokenizer.decode(tokenizer.encode(korean)) == korean


def test_windows_line_ends_are_no_part_of_a_token(tmp_path: Path) -> None:
    folder = copied("koelectra", tmp_path / "model")
    vocabulary = folder / "vocab.txt"
    vocabulary.write_bytes(vocabulary.read_bytes().replace(b"\n", b"\r\n"))
    assert from_folder(folder).json == from_folder(FOLDERS / "koelectra").json


def test_files_are_preferred_by_what_they_say(tmp_path: Path) -> None:
    folder = copied("koelectra", tmp_path / "model")
    shutil.copy(FOLDERS / "xlmr" / "sentencepiece.bpe.model", folder)
    assert '"Unigram"' in from_folder(folder).json
    (folder / "tokenizer.json").write_text(from_folder(FOLDERS / "gpt2").json, "utf-8")
    assert '"BPE"' in from_folder(folder).json


def test_kobert_without_accents_is_kept_in_whole_hangul(tmp_path: Path) -> None:
    tokenizer = opened(copied("kobert", tmp_path / "model", keep_accents=False))
    assert tokenizer.encode('온돌  cafe\n"방"') == tokenizer.encode(" 온돌 café ``방''")
    assert tokenizer.encode("온돌") == opened(FOLDERS / "kobert").encode("온돌")


@pytest.mark.parametrize(
    ("name", "file", "change", "kind", "words"),
    [
        ("koelectra", "vocab.txt", lambda text: text.replace("[SEP]\n", ""), CorruptSource, "SEP"),
        ("koelectra", "vocab.txt", lambda text: text.replace("##", "@"), MissingTokenizer, "##"),
        ("gpt2", "merges.txt", lambda text: text + "가 나\n", CorruptSource, "가"),
        ("gpt2", "vocab.json", lambda text: text[:-3], CorruptSource, "vocab.json"),
        ("gpt2", "vocab.json", lambda _: '{"a": 0, "b": 4000000000}', CorruptSource, "holes"),
        ("gpt2", "vocab.json", lambda _: '{"a": -5}', CorruptSource, "holes"),
        ("gpt2", "tokenizer_config.json", lambda _: "{}", MissingTokenizer, "qwen2"),
    ],
)
def test_broken_folders_are_named(
    tmp_path: Path, name: str, file: str, change: Any, kind: type[SourceError], words: str
) -> None:
    folder = copied(name, tmp_path / "model")
    path = folder / file
    path.write_text(change(path.read_text("utf-8")), "utf-8")
    with pytest.raises(kind) as caught:
        from_folder(folder)
    assert words in str(caught.value)


def test_merges_without_a_vocabulary_are_half_a_tokenizer(tmp_path: Path) -> None:
    folder = copied("gpt2", tmp_path / "model")
    (folder / "vocab.json").unlink()
    with pytest.raises(MissingTokenizer, match="half"):
        from_folder(folder)
