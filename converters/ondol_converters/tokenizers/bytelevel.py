"""Byte-level BPE vocabularies: tokens, merges and a family's pattern to a `tokenizer.json`."""

from collections.abc import Mapping, Sequence

from ondol.errors import CorruptSource
from ondol.language import say
from ondol_converters.sources import Json
from ondol_converters.tokenizers.jsonfile import AddedToken, Merges, tokenizer_json
from ondol_converters.tokenizers.pretokenizers import PreTokenizer


def bytelevel_json(
    vocabulary: Mapping[str, int],
    merges: Merges,
    added: Sequence[AddedToken],
    pre: PreTokenizer,
) -> str:
    """The `tokenizer.json` of a byte-level BPE vocabulary."""
    splits: list[Json] = [
        {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
        for pattern in pre.patterns
    ]
    level: dict[str, Json] = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": False,
        "use_regex": False,
    }
    return tokenizer_json(
        vocabulary,
        merges,
        added,
        normalizer=None,
        pre_tokenizer={"type": "Sequence", "pretokenizers": [*splits, level]},
        decoder=level,
        unknown=None,
        byte_fallback=False,
        whole_words=pre.whole_words,
    )


def merge_pairs(lines: Sequence[str], vocabulary: Mapping[str, int]) -> Merges:
    """Merge lines "a b" as pairs, each once, checked against the vocabulary.

    Raises:
        CorruptSource: for a line that is no pair, or whose parts or result are no tokens.
    """
    pairs: dict[tuple[str, str], None] = {}
    for number, line in enumerate(lines):
        cut = line.find(" ", 1)
        left, right = line[:cut], line[cut + 1 :]
        if cut < 1 or not right:
            raise CorruptSource(
                say(
                    f"Merge {number} is {line!r}, which is not a pair of tokens.",
                    f"{number}번 병합 {line!r}은(는) 토큰 한 쌍이 아닙니다.",
                )
            )
        for token in (left, right, left + right):
            if token not in vocabulary:
                raise CorruptSource(
                    say(
                        f"Merge {number} ({line!r}) needs the token {token!r}.",
                        f"{number}번 병합({line!r})에는 {token!r} 토큰이 필요합니다.",
                    ),
                    say("The vocabulary has no such token.", "어휘에 그런 토큰이 없습니다."),
                    say("Download the model again.", "모델을 다시 내려받으세요."),
                )
        pairs.setdefault((left, right))
    return list(pairs)
