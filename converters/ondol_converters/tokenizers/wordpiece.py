"""WordPiece vocabularies (BERT, arXiv 1810.04805): a `vocab.txt` as a `tokenizer.json`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ondol.errors import CorruptSource, MissingTokenizer
from ondol.language import say
from ondol_converters.sources import Json, TokenizerFiles
from ondol_converters.tokenizers.jsonfile import AddedToken, added_json, surrounded

PREFIX = "##"
LONGEST_WORD = 100  # characters; a longer word is unknown, as in BERT's own code


@dataclass(frozen=True, slots=True)
class Bert:
    """What `tokenizer_config.json` says of a WordPiece vocabulary; None where it does not.

    `lowercase` and `strip_accents` change a text before it is cut; `separate_hanja` makes each
    Chinese character a word.
    """

    lowercase: bool | None = None
    strip_accents: bool | None = None
    separate_hanja: bool = True
    unknown: str = "[UNK]"
    begin: str = "[CLS]"
    end: str = "[SEP]"
    others: tuple[str, ...] = ("[PAD]", "[MASK]")


def from_wordpiece(lines: Sequence[str], says: Bert) -> TokenizerFiles:
    """The tokenizer of a WordPiece vocabulary.

    Where nothing says otherwise, a vocabulary with capital letters is not put into lower case,
    and one with whole Hangul syllables keeps accents: taking them off would take Hangul apart.

    Args:
        lines: every token; its place is its id.
        says: the settings of `tokenizer_config.json`.

    Raises:
        MissingTokenizer: if there are no tokens, or they are not WordPiece's.
        CorruptSource: if one of the special tokens is missing.
    """
    ids = {token: number for number, token in enumerate(lines)}
    if not any(token.startswith(PREFIX) for token in ids):
        raise MissingTokenizer(
            say("vocab.txt is no WordPiece vocabulary.", "vocab.txt는 WordPiece 어휘가 아닙니다."),
            say(
                f"No token begins with {PREFIX}, which continues a word.",
                f"낱말을 잇는 {PREFIX}로 시작하는 토큰이 없습니다.",
            ),
            say(
                "Put the model's tokenizer.json or SentencePiece file into the folder.",
                "모델의 tokenizer.json이나 SentencePiece 파일을 폴더에 넣으세요.",
            ),
        )
    for token in (says.unknown, says.begin, says.end):
        if token not in ids:
            raise CorruptSource(
                say(
                    f"vocab.txt has no token {token!r}.", f"vocab.txt에 {token!r} 토큰이 없습니다."
                ),
                say("The tokenizer needs it.", "토크나이저에 꼭 필요합니다."),
                say("Download the model again.", "모델을 다시 내려받으세요."),
            )
    special = [says.unknown, says.begin, says.end, *says.others]
    text = _json(ids, [token for token in dict.fromkeys(special) if token in ids], says)
    return TokenizerFiles(text, None, None, ())


def _json(ids: Mapping[str, int], special: Sequence[str], says: Bert) -> str:
    words = [token for token in ids if token not in special]
    lower = says.lowercase
    if lower is None:
        lower = not any(token != token.lower() for token in words)
    strip = says.strip_accents
    if strip is None:
        strip = lower and not (
            says.lowercase is None and any("가" <= char <= "힣" for t in words for char in t)
        )
    added = sorted((ids[token], token) for token in special)
    normalizer: Json = {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": says.separate_hanja,
        "strip_accents": strip,
        "lowercase": lower,
    }
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [added_json(AddedToken(n, token, True)) for n, token in added],
            "normalizer": normalizer,
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": surrounded(says.begin, says.end, ids),
            "decoder": {"type": "WordPiece", "prefix": PREFIX, "cleanup": False},
            "model": {
                "type": "WordPiece",
                "unk_token": says.unknown,
                "continuing_subword_prefix": PREFIX,
                "max_input_chars_per_word": LONGEST_WORD,
                "vocab": dict(ids),
            },
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
