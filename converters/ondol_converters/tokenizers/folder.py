"""The tokenizer of a Hugging Face folder, from whichever of its files hold it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from ondol.errors import CorruptSource, MissingTokenizer
from ondol.language import say
from ondol_converters.sources import Json, TokenizerFiles
from ondol_converters.tokenizers.endings import CONTROL_ENDINGS, SURE_ENDINGS
from ondol_converters.tokenizers.proto import SpecialIds, from_sentencepiece

Object = Mapping[str, Json]


def from_folder(folder: Path) -> TokenizerFiles:
    """The tokenizer of a Hugging Face folder: `tokenizer.json`, or else `tokenizer.model`.

    The chat template comes from `chat_template.jinja` or `tokenizer_config.json`; ids that end a
    reply come from `generation_config.json`, `config.json`, `tokenizer_config.json` and the
    vocabulary's own end-of-turn tokens.

    Raises:
        MissingTokenizer: if the folder holds neither file.
        CorruptSource: if a file is not what its name says.
    """
    config = _object(folder / "tokenizer_config.json")
    template = _template(folder, config)
    ends = _ids(_object(folder / "generation_config.json").get("eos_token_id"))
    ends += _ids(_object(folder / "config.json").get("eos_token_id"))
    add_bos = config.get("add_bos_token")
    if (folder / "tokenizer.json").is_file():
        text = _text(folder / "tokenizer.json")
        return _from_json(text, config, template, ends)
    if (folder / "tokenizer.model").is_file():
        extra = SpecialIds(
            add_bos if isinstance(add_bos, bool) else None, tuple(dict.fromkeys(ends)), template
        )
        return from_sentencepiece(folder / "tokenizer.model", extra)
    raise MissingTokenizer(
        say(f"{folder.name} holds no tokenizer.", f"{folder.name}에 토크나이저가 없습니다."),
        say(
            "Neither tokenizer.json nor tokenizer.model is there.",
            "tokenizer.json도 tokenizer.model도 없습니다.",
        ),
        say(
            "Download the model's tokenizer.json into the folder.",
            "모델의 tokenizer.json을 그 폴더에 내려받으세요.",
        ),
    )


def _from_json(text: str, config: Object, template: str | None, ends: list[int]) -> TokenizerFiles:
    whole = _parsed(text, "tokenizer.json")
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
    eos = _content(config.get("eos_token"))
    found = dict.fromkeys(ends)
    if eos in ids:
        found.setdefault(ids[eos])
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
    bos = ids.get(_content(config.get("bos_token")) or "")
    return TokenizerFiles(text, template, bos if _adds_bos(whole, config) else None, tuple(found))


def _adds_bos(whole: Object, config: Object) -> bool:
    """The tokenizer.json's own post-processor decides; the config only where it has none."""
    says = config.get("add_bos_token")
    if isinstance(says, bool):
        return says
    bos = _content(config.get("bos_token"))
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


def _template(folder: Path, config: Object) -> str | None:
    if (folder / "chat_template.jinja").is_file():
        return _text(folder / "chat_template.jinja")
    stored = config.get("chat_template")
    if isinstance(stored, list):  # several by name: the one called default
        named = {str(one.get("name")): one.get("template") for one in stored if _is(one)}
        stored = named.get("default")
    return stored if isinstance(stored, str) else None


def _is(value: Json) -> bool:
    return isinstance(value, dict)


def _content(token: Json) -> str | None:
    """A token's text, whether stored as text or as an object with `content`."""
    if isinstance(token, dict):
        token = token.get("content")
    return token if isinstance(token, str) else None


def _ids(value: Json) -> list[int]:
    values: Iterable[Json] = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, int) and not isinstance(one, bool)]


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _object(path: Path) -> Object:
    return _parsed(_text(path), path.name) if path.is_file() else {}


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as exc:
        raise _broken(path.name, str(exc)) from exc


def _parsed(text: str, name: str) -> Object:
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise _broken(name, str(exc)) from exc
    if not isinstance(value, dict):
        raise _broken(name, say("It is not a JSON object.", "JSON 객체가 아닙니다."))
    return value


def _broken(name: str, why: str) -> CorruptSource:
    return CorruptSource(
        say(f"{name} cannot be read.", f"{name} 파일을 읽을 수 없습니다."),
        why,
        say("Download the file again.", "파일을 다시 내려받으세요."),
    )
