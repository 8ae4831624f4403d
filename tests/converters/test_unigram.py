"""SentencePiece files of both kinds against SentencePiece itself, on text of every sort."""

import struct
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sentencepiece as spm
from hypothesis import given, settings
from hypothesis import strategies as st

from ondol.errors import CorruptSource, SourceError
from ondol.tokenizer import Tokenizer
from ondol_converters.texts import load
from ondol_converters.tokenizers import from_sentencepiece

KINDS: dict[str, dict[str, Any]] = {
    "unigram": {"model_type": "unigram"},
    "unigram, bytes": {"model_type": "unigram", "byte_fallback": True},
    "unigram, as it is": {
        "model_type": "unigram",
        "normalization_rule_name": "identity",
        "remove_extra_whitespaces": False,
        "add_dummy_prefix": False,
        "byte_fallback": True,
    },
    "unigram, across words": {"model_type": "unigram", "split_by_whitespace": False},
    "unigram, lower case": {"model_type": "unigram", "normalization_rule_name": "nmt_nfkc_cf"},
    "bpe": {"model_type": "bpe", "byte_fallback": True},
    "bpe, as it is": {
        "model_type": "bpe",
        "normalization_rule_name": "identity",
        "remove_extra_whitespaces": False,
        "byte_fallback": True,
    },
}
ALPHABET = (
    *("온돌", "따뜻", "합니다", " ", "  ", "뷁", "쀍", "def ", "return", "the", "quick"),
    *("<s>", "</s>", "<unk>", "<0x41>", "[CLS]", "é", "👍🏽", "👨‍👩‍👧", "ＡＢ", "½", "㈜"),
    *("\n", "\t", "\u3000", "▁", "123", "①", "ㅋㅋ", "ᄒᆞᆫ", "漢字", "가\u0301", "(", "::"),
)
TEXTS = st.lists(
    st.sampled_from(ALPHABET)
    | st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), max_size=4)
    | st.text("가나다라 abcXYZ.,!?-", max_size=6),
    max_size=10,
).map("".join)

Trained = Callable[[str], Path]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("spm")
    corpus = folder / "corpus.txt"
    corpus.write_text(load().text, "utf-8")

    @cache
    def train(kind: str) -> Path:
        prefix = folder / kind.replace(", ", "-").replace(" ", "-")
        options = KINDS[kind]
        spm.SentencePieceTrainer.train(
            input=str(corpus),
            model_prefix=str(prefix),
            vocab_size=1600,
            num_threads=1,
            minloglevel=2,
            required_chars="<>[]/",  # as every real vocabulary has
            **options,
        )
        return prefix.with_name(prefix.name + ".model")

    return train


@pytest.mark.parametrize("kind", KINDS)
def test_ids_are_sentencepieces(kind: str, trained: Trained) -> None:
    path = trained(kind)
    reference: Any = spm.SentencePieceProcessor(model_file=str(path))
    tokenizer = Tokenizer(from_sentencepiece(path).json)

    @settings(max_examples=150, deadline=None)
    @given(TEXTS)
    def check(text: str) -> None:
        composed = unicodedata.normalize("NFC", text)
        assert tokenizer.encode(text) == reference.encode(composed)
        # Korean typed as separate jamo gives the same tokens
        assert tokenizer.encode(unicodedata.normalize("NFD", text)) == tokenizer.encode(text)

    check()


def test_every_syllable_is_sentencepieces(trained: Trained) -> None:
    path = trained("unigram, bytes")
    reference: Any = spm.SentencePieceProcessor(model_file=str(path))
    tokenizer = Tokenizer(from_sentencepiece(path).json)
    syllables = [chr(code) for code in range(0xAC00, 0xD7A4)]
    assert [tokenizer.encode(s) for s in syllables] == reference.encode(syllables)
    assert all(tokenizer.decode(tokenizer.encode(s)) == s for s in syllables)


def test_our_own_texts_are_sentencepieces(trained: Trained) -> None:
    for kind in KINDS:
        reference: Any = spm.SentencePieceProcessor(model_file=str(trained(kind)))
        tokenizer = Tokenizer(from_sentencepiece(trained(kind)).json)
        for line in load().text.splitlines():
            assert tokenizer.encode(line) == reference.encode(line), kind


def test_special_pieces_are_the_files(trained: Trained) -> None:
    files = from_sentencepiece(trained("unigram"))
    assert (files.bos, files.eos) == (None, (2,))
    assert set(Tokenizer(files.json).special_tokens) == {"<unk>", "<s>", "</s>"}


def piece(text: str, score: float = -1.0, kind: int = 1) -> bytes:
    raw = text.encode()
    body = b"\x0a" + bytes([len(raw)]) + raw + b"\x15" + struct.pack("<f", score)
    body += b"\x18" + bytes([kind])
    return b"\x0a" + bytes([len(body)]) + body


def model(*pieces: bytes, trainer: bytes = b"\x18\x01") -> bytes:
    return b"".join(pieces) + b"\x12" + bytes([len(trainer)]) + trainer


UNK = piece("<unk>", 0.0, 2)


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (model(), SourceError, "no pieces"),
        (model(UNK, piece("가"), piece("가")), CorruptSource, "both"),
        (model(UNK, piece("가", float("nan"))), CorruptSource, "score"),
        (model(UNK, piece("가"), trainer=b"\x18\x01\xc0\x02\x09"), CorruptSource, "unknown"),
        (model(UNK, piece("가"), trainer=b"\x18\x01\xd0\x02\x09"), CorruptSource, "special"),
        (model(UNK, piece("가"), trainer=b"\x18\x03"), SourceError, "kind"),
        (model(UNK, piece("가"), trainer=b"\x18\x01\xc0\x01\x01"), SourceError, "kind"),
    ],
    ids=["empty", "twice", "nan", "unk", "eos", "characters", "suffix"],
)
def test_contradictions_are_named(
    tmp_path: Path, data: bytes, kind: type[SourceError], words: str
) -> None:
    path = tmp_path / "spiece.model"
    path.write_bytes(data)
    with pytest.raises(kind) as caught:
        from_sentencepiece(path)
    assert words in str(caught.value)


def test_unused_pieces_keep_their_number_and_are_not_used(tmp_path: Path) -> None:
    path = tmp_path / "spiece.model"
    rows = [UNK, piece("<s>", 0.0, 3), piece("</s>", 0.0, 3), piece("온돌", -1.0, 5)]
    rows += [piece("▁", -2.0), piece("온", -3.0), piece("돌", -3.0), piece("<b>", 0.0, 4)]
    path.write_bytes(model(*rows))
    reference: Any = spm.SentencePieceProcessor(model_file=str(path))
    tokenizer = Tokenizer(from_sentencepiece(path).json)
    assert tokenizer.encode("온돌") == reference.encode("온돌") == [4, 5, 6]
    assert 7 in tokenizer.encode("온<b>")
