"""A folder's own `tokenizer.json`, which is kept as it is; and the ids that end a reply."""

import json
from pathlib import Path

from ondol.errors import CorruptSource
from ondol.language import say
from ondol_converters.sources import Json, TokenizerFiles
from ondol_converters.tokenizers.endings import CONTROL_ENDINGS, SURE_ENDINGS
from ondol_converters.tokenizers.settings import Object, Settings, parsed, text_of


def from_json(path: Path, says: Settings) -> TokenizerFiles:
    """The tokenizer of a `tokenizer.json`.

    Raises:
        CorruptSource: if it is none, or an id that ends a reply is not in it.
    """
    text = text_of(path)
    whole = parsed(text, path.name)
    ids = _vocabulary(whole)
    added = {
        str(token["content"]): token
        for token in _list(whole.get("added_tokens"))
        if isinstance(token, dict) and isinstance(token.get("content"), str)
    }
    for content, token in added.items():
        number = token.get("id")
        if isinstance(number, int):
            ids.setdefault(content, number)
    eos = says.token("eos_token")
    # The tokenizer's own comes first: it is what templates write as eos_token.
    found: dict[int, None] = {}
    if eos is not None and eos in ids:
        found[ids[eos]] = None
    found |= dict.fromkeys(says.ends)
    for content, token in added.items():
        sure = content in SURE_ENDINGS
        if sure or (token.get("special") is True and content in CONTROL_ENDINGS):
            found.setdefault(ids[content])
    size = max(ids.values(), default=-1) + 1
    bad = [number for number in found if not 0 <= number < size]
    if bad:
        raise CorruptSource(
            say(
                f"The end token {bad[0]} is not in the tokenizer.",
                f"끝 토큰 {bad[0]}이(가) 토크나이저에 없습니다.",
            ),
            say(f"It has {size} tokens.", f"토큰은 {size}개입니다."),
            say("Download the model again.", "모델을 다시 내려받으세요."),
        )
    bos = ids.get(says.token("bos_token") or "")
    return TokenizerFiles(
        text, says.template, bos if _adds_bos(whole, says) else None, tuple(found)
    )


def _adds_bos(whole: Object, says: Settings) -> bool:
    """The tokenizer.json's own post-processor decides; the config only where it has none."""
    told = says.flag("add_bos_token")
    if told is not None:
        return told
    bos = says.token("bos_token")
    return bos is not None and json.dumps(bos) in json.dumps(whole.get("post_processor"))


def _vocabulary(whole: Object) -> dict[str, int]:
    model = whole.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(vocabulary, dict):
        return {text: number for text, number in vocabulary.items() if isinstance(number, int)}
    if isinstance(vocabulary, list):  # Unigram: pairs of piece and score
        return {str(pair[0]): number for number, pair in enumerate(vocabulary) if pair}
    raise CorruptSource(
        say("tokenizer.json has no vocabulary.", "tokenizer.json에 어휘가 없습니다."),
        say("Its model.vocab is missing.", "model.vocab 항목이 없습니다."),
        say("Download the file again.", "파일을 다시 내려받으세요."),
    )


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
