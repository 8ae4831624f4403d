"""A vocabulary as GGUF and SentencePiece files hold it, checked and made a `tokenizer.json`."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ondol.errors import CorruptSource, MissingTokenizer, SourceError
from ondol.language import say
from ondol_converters.sources import Json, TokenizerFiles
from ondol_converters.tokenizers.bytelevel import bytelevel_json, merge_pairs
from ondol_converters.tokenizers.endings import CONTROL_ENDINGS, SURE_ENDINGS
from ondol_converters.tokenizers.jsonfile import AddedToken
from ondol_converters.tokenizers.pretokenizers import pre_tokenizer
from ondol_converters.tokenizers.spm import SPACE, spm_json
from ondol_converters.tokenizers.templates import naming

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Fields of a file's vocabulary; None and empty mean "the file does not say".

    Attributes:
        model: "llama" for SentencePiece-BPE, "gpt2" for byte-level BPE.
        tokens: every token; its place is its id.
        pre: the word of `tokenizer.ggml.pre`; byte-level only.
        scores: one per token, larger merges first; SentencePiece only.
        types: one per token: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte.
        merges: lines "a b", first merges first; byte-level only.
        bos, eos, unk: ids of begin of text, end of text, unknown.
        ends: further ids that end a reply, such as `eot`.
        add_bos: whether a prompt begins with `bos`.
        add_space_prefix: whether each run of text gets a space in front; SentencePiece only.
        normalizers: normalizers of the `tokenizer.json` format that run first.
    """

    model: str
    tokens: Sequence[str]
    pre: str = ""
    scores: Sequence[float] = ()
    types: Sequence[int] = ()
    merges: Sequence[str] = ()
    bos: int | None = None
    eos: int | None = None
    unk: int | None = None
    ends: tuple[int, ...] = ()
    add_bos: bool | None = None
    add_space_prefix: bool | None = None
    chat_template: str | None = None
    normalizers: tuple[Mapping[str, Json], ...] = ()


def from_vocabulary(vocabulary: Vocabulary) -> TokenizerFiles:
    """The tokenizer of a vocabulary, with the ids that llama.cpp gives for the same file.

    Raises:
        MissingTokenizer: if there are no tokens, or no scores or merges to split text with.
        CorruptSource: if counts, ids or tokens contradict each other.
        SourceError: if the kind of vocabulary or its pre-tokenizer is not known.
    """
    maker = {"llama": _sentencepiece, "gpt2": _bytelevel}.get(vocabulary.model)
    if maker is None:
        raise SourceError(
            say(
                f"Vocabularies of the kind {vocabulary.model!r} cannot be converted.",
                f"{vocabulary.model!r} 종류의 어휘는 변환할 수 없습니다.",
            ),
            say(
                "Known are llama (SentencePiece-BPE) and gpt2 (byte-level BPE).",
                "llama(SentencePiece-BPE)와 gpt2(바이트 단위 BPE)를 지원합니다.",
            ),
        )
    ids = _checked(vocabulary)
    json, add_bos = maker(vocabulary, ids)
    if vocabulary.add_bos is not None:
        add_bos = vocabulary.add_bos
    bos = vocabulary.bos
    unsaid = None if add_bos or bos is None else vocabulary.tokens[bos]
    template = naming(vocabulary.chat_template, {"bos_token": unsaid})
    return TokenizerFiles(json, template, bos if add_bos else None, _endings(vocabulary))


def _sentencepiece(vocabulary: Vocabulary, ids: dict[str, int]) -> tuple[str, bool]:
    if not vocabulary.scores:
        raise _missing("scores", "점수")
    types = vocabulary.types or [NORMAL] * len(ids)
    # Control and byte pieces are left out of merging, so that text can never become one.
    scores = {
        token: float(score)
        for token, score, kind in zip(ids, vocabulary.scores, types, strict=True)
        if kind in (NORMAL, UNUSED) or (kind == USER_DEFINED and SPACE in token)
    }
    if not all(map(math.isfinite, scores.values())):
        bad = next(token for token, score in scores.items() if not math.isfinite(score))
        raise CorruptSource(
            say(f"The score of {bad!r} is not a number.", f"{bad!r}의 점수가 숫자가 아닙니다.")
        )
    prefix = vocabulary.add_space_prefix
    json = spm_json(
        ids,
        scores,
        _added(vocabulary),
        unknown=None if vocabulary.unk is None else vocabulary.tokens[vocabulary.unk],
        byte_fallback=BYTE in types,
        space_prefix=prefix is None or prefix,
        before=vocabulary.normalizers,
    )
    return json, True


def _bytelevel(vocabulary: Vocabulary, ids: dict[str, int]) -> tuple[str, bool]:
    if not vocabulary.merges:
        raise _missing("merges", "병합 규칙")
    pre = pre_tokenizer(vocabulary.pre)
    pairs = merge_pairs(vocabulary.merges, ids)
    made = {left + right for left, right in pairs}
    # Unused fillers such as [PAD151935] are no text: the model's table is longer than its words.
    for token, kind in zip(vocabulary.tokens, vocabulary.types, strict=False):
        if kind == UNUSED and len(token) > 1 and token not in made:
            ids.pop(token, None)
    return bytelevel_json(ids, pairs, _added(vocabulary), pre), pre.add_bos


def _checked(vocabulary: Vocabulary) -> dict[str, int]:
    """Tokens to ids, after every check that needs no knowledge of the kind."""
    count = len(vocabulary.tokens)
    if not count:
        raise _missing("tokens", "토큰")
    for name, values in (("scores", vocabulary.scores), ("token types", vocabulary.types)):
        if len(values) and len(values) != count:
            raise CorruptSource(
                say(
                    f"The tokenizer has {count} tokens but {len(values)} {name}.",
                    f"토크나이저의 토큰은 {count}개인데 {name}은(는) {len(values)}개입니다.",
                ),
                say("The file contradicts itself.", "파일 내용이 서로 맞지 않습니다."),
                say("Download the model again.", "모델을 다시 내려받으세요."),
            )
    named = [("bos", vocabulary.bos), ("eos", vocabulary.eos), ("unk", vocabulary.unk)]
    for name, number in [*named, *(("end-of-turn", end) for end in vocabulary.ends)]:
        if number is not None and not 0 <= number < count:
            raise CorruptSource(
                say(
                    f"The {name} token is number {number}.",
                    f"{name} 토큰의 번호가 {number}입니다.",
                ),
                say(f"There are {count} tokens.", f"토큰은 {count}개입니다."),
                say("Download the model again.", "모델을 다시 내려받으세요."),
            )
    ids: dict[str, int] = {}
    for number, token in enumerate(vocabulary.tokens):
        text = token or f"[EMPTY_{number}]"
        if ids.setdefault(text, number) != number:
            raise CorruptSource(
                say(
                    f"Tokens {ids[text]} and {number} are both {text!r}.",
                    f"{ids[text]}번과 {number}번 토큰이 모두 {text!r}입니다.",
                ),
                say("A token has one number.", "토큰 하나에 번호는 하나여야 합니다."),
                say("Download the model again.", "모델을 다시 내려받으세요."),
            )
    return ids


def _kinds(vocabulary: Vocabulary) -> Iterable[tuple[int, str, int]]:
    for number, kind in enumerate(vocabulary.types or [NORMAL] * len(vocabulary.tokens)):
        yield number, vocabulary.tokens[number] or f"[EMPTY_{number}]", kind


def _added(vocabulary: Vocabulary) -> list[AddedToken]:
    endings = set(_endings(vocabulary))
    return [
        AddedToken(number, token, kind != USER_DEFINED or number in endings)
        for number, token, kind in _kinds(vocabulary)
        if kind in (UNKNOWN, CONTROL)
        or number in endings
        # llama.cpp takes these for ends of text and does not look for them in the user's.
        or (kind == USER_DEFINED and token not in CONTROL_ENDINGS)
    ]


def _endings(vocabulary: Vocabulary) -> tuple[int, ...]:
    """Ids that end a reply: the file's own first, then those of the table, each once."""
    found = dict.fromkeys(
        number for number in (vocabulary.eos, *vocabulary.ends) if number is not None
    )
    for number, token, kind in _kinds(vocabulary):
        if token in SURE_ENDINGS or (kind == CONTROL and token in CONTROL_ENDINGS):
            found.setdefault(number)
    return tuple(found)


def _missing(en: str, ko: str) -> MissingTokenizer:
    return MissingTokenizer(
        say(f"The model's tokenizer has no {en}.", f"모델의 토크나이저에 {ko}이(가) 없습니다."),
        say("Text cannot be split without them.", "이것 없이는 글을 토큰으로 나눌 수 없습니다."),
        say(
            "Convert from a file that holds the whole tokenizer.",
            "토크나이저가 모두 들어 있는 파일에서 변환하세요.",
        ),
    )
