"""SentencePiece's `tokenizer.model`, `spiece.model` and their like as a `tokenizer.json`."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ondol_converters.sources import Json, TokenizerFiles
from ondol_converters.tokenizers.proto import UNIGRAM, Model, read_model
from ondol_converters.tokenizers.unigram import Fairseq, from_unigram
from ondol_converters.tokenizers.vocabulary import USER_DEFINED, Vocabulary, from_vocabulary


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What ALBERT, XLNet and KoBERT do to a text before SentencePiece sees it.

    Runs of white space become one space, typists' quotes become one sign. Their splitting of a
    digit from the comma after it is left out: no piece of KoBERT has both.
    """

    lowercase: bool = False
    keep_accents: bool = False


@dataclass(frozen=True, slots=True)
class FolderSays:
    """What a folder's JSON files know and the SentencePiece file does not.

    `begin` and `end` are the pieces put around a text, such as [CLS] and [SEP]; `fairseq` is set
    where the model numbers its tokens in another order than the file, `cleaning` where the text
    is changed first.
    """

    add_bos: bool | None = None
    ends: tuple[int, ...] = ()
    chat_template: str | None = None
    begin: str | None = None
    end: str | None = None
    fairseq: Fairseq | None = None
    cleaning: Cleaning | None = None


def from_sentencepiece(path: Path, says: FolderSays | None = None) -> TokenizerFiles:
    """The tokenizer of a SentencePiece file of the BPE or the Unigram kind.

    Raises:
        CorruptSource: if the file is no such protocol buffer, or contradicts itself.
        SourceError: if it is of another kind.
    """
    says = says or FolderSays()
    model = read_model(path)
    before = (*_cleaned(says.cleaning), *_normalised(model))
    if model.kind == UNIGRAM:
        return from_unigram(
            model,
            before,
            chat_template=says.chat_template,
            ends=says.ends,
            add_bos=says.add_bos,
            around=(says.begin, says.end),
            fairseq=says.fairseq,
        )
    return from_vocabulary(
        Vocabulary(
            model="llama",
            # Pieces the user added are found in the text itself, where a space is a space.
            tokens=[
                piece.replace("\u2581", " ") if kind == USER_DEFINED else piece
                for piece, kind in zip(model.pieces, model.types, strict=True)
            ],
            scores=model.scores,
            types=model.types,
            bos=model.bos,
            eos=model.eos,
            unk=model.unk,
            ends=says.ends,
            add_bos=says.add_bos,
            add_space_prefix=model.prefix,
            chat_template=says.chat_template,
            normalizers=before,
        )
    )


def _cleaned(cleaning: Cleaning | None) -> Iterator[Mapping[str, Json]]:
    if cleaning is None:
        return
    for pattern, content in ((r"\A\s+|\s+\z", ""), (r"\s+", " "), ("``|''", '"')):
        yield {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}
    if not cleaning.keep_accents:
        # Composed again: the library's own table takes single letters only.
        yield from ({"type": kind} for kind in ("NFKD", "StripAccents", "NFC"))
    if cleaning.lowercase:
        yield {"type": "Lowercase"}


def _normalised(model: Model) -> Iterator[dict[str, Json]]:
    """What SentencePiece does to a text before it is cut, in the words of `tokenizer.json`."""
    if model.charsmap:
        text = base64.b64encode(model.charsmap).decode("ascii")
        yield {"type": "Precompiled", "precompiled_charsmap": text}
    if model.squeezes:
        # At the end, unlike the start, a mark that was typed goes too.
        for pattern, content in ((r"\A +", ""), (" {2,}", " "), (r"[ \u2581]+\z", "")):
            yield {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}
