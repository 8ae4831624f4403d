import json
import struct
from pathlib import Path
from typing import Any

import pytest
import sentencepiece as spm
from hypothesis import given
from hypothesis import strategies as st

from ondol.errors import CorruptSource, MissingTokenizer, SourceError
from ondol.tokenizer import Tokenizer
from ondol_converters.tokenizers import from_folder, from_sentencepiece, from_vocabulary
from tokenizer_maker import sentencepiece

SPM = sentencepiece()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spm")
    text = folder / "text.txt"
    text.write_text(
        "온돌은 방바닥을 데우는 난방 방식이다\n서울의 온돌방은 따뜻하다\n" * 30, "utf-8"
    )
    spm.SentencePieceTrainer.train(
        input=str(text),
        model_prefix=str(folder / "tokenizer"),
        model_type="bpe",
        vocab_size=320,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        user_defined_symbols=["<b>"],
        minloglevel=2,
    )
    return folder / "tokenizer.model"


@pytest.mark.parametrize(
    "text", ["온돌은 따뜻하다", " 서울  방", "뷁 <b>방</b>", "hello\n난방", "데우는난방온돌방"]
)
def test_sentencepiece_files_give_sentencepieces_ids(trained: Path, text: str) -> None:
    files = from_sentencepiece(trained)
    tokenizer = Tokenizer(files.json, bos=files.bos, eos=files.eos)
    library: Any = spm.SentencePieceProcessor(model_file=str(trained))
    # After a piece of the user's, llama.cpp puts the space again; SentencePiece does not.
    if "<b>" not in text:
        assert tokenizer.encode(text) == library.encode(text)
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert (files.bos, files.eos) == (1, (2,))


def test_broken_sentencepiece_files_are_named(trained: Path, tmp_path: Path) -> None:
    data = trained.read_bytes()
    broken = tmp_path / "tokenizer.model"
    for cut in (1, 7, 100, len(data) // 2, len(data) - 1):
        broken.write_bytes(data[:cut])
        with pytest.raises(SourceError):
            from_sentencepiece(broken)
    for noise in (b"\xff" * 40, b"\x0a\xff\xff\xff\xff\x0f", b"\x08\x01", b"\x0b"):
        broken.write_bytes(noise)
        with pytest.raises(SourceError):
            from_sentencepiece(broken)


@given(st.binary(max_size=64), st.integers(0, 300))
def test_sentencepiece_files_full_of_noise(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int
) -> None:
    good = b"\x0a\x0a" + b"\x0a\x01a\x15" + struct.pack("<f", -1.0) + b"\x18\x01"
    whole = good * 20 + b"\x12\x02\x18\x02"
    path = tmp_path_factory.getbasetemp() / "noise.model"
    path.write_bytes(whole[:at] + noise + whole[at:])
    with pytest.raises(SourceError):
        from_sentencepiece(path)


def folder_with(folder: Path, **files: object) -> Path:
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    return folder


def test_folder_with_a_tokenizer_json(tmp_path: Path) -> None:
    whole = json.loads(from_vocabulary(SPM).json)
    folder = folder_with(
        tmp_path,
        tokenizer=whole,
        tokenizer_config={
            "bos_token": {"content": "<bos>"},
            "eos_token": "<eos>",
            "add_bos_token": True,
            "chat_template": [{"name": "default", "template": "틀"}],
        },
        generation_config={"eos_token_id": [1, 5]},
    )
    files = from_folder(folder)
    assert json.loads(files.json) == whole
    assert (files.bos, files.eos, files.chat_template) == (2, (1, 5), "틀")
    (folder / "chat_template.jinja").write_text("다른 틀", "utf-8")
    assert from_folder(folder).chat_template == "다른 틀"


def test_folder_with_a_sentencepiece_file(trained: Path) -> None:
    assert from_folder(trained.parent).json == from_sentencepiece(trained).json


def test_folders_that_lie_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingTokenizer):
        from_folder(tmp_path)
    for text in ("", "[]", "{", "{}", '{"model": 1}', "[" * 100_000):
        (tmp_path / "tokenizer.json").write_text(text, "utf-8")
        with pytest.raises(CorruptSource):
            from_folder(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(CorruptSource):
        from_folder(tmp_path)
    folder_with(
        tmp_path, tokenizer={"model": {"vocab": {"a": 0}}}, generation_config={"eos_token_id": 7}
    )
    with pytest.raises(CorruptSource, match="7"):
        from_folder(tmp_path)
