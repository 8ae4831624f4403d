"""What the JSON files of a Hugging Face folder say of its tokenizer, whatever file holds that."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ondol.errors import CorruptSource
from ondol.language import say
from ondol_converters.sources import Json

Object = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Settings:
    """`tokenizer_config.json` over `special_tokens_map.json`, and what belongs to it.

    Attributes:
        config: the keys of both files.
        model: the keys of `config.json`.
        template: the chat template of `chat_template.jinja` or of the config.
        ends: ids that end a reply, from `generation_config.json` and `config.json`.
    """

    config: Object
    model: Object
    template: str | None
    ends: tuple[int, ...]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The settings of a folder; files that are not there say nothing.

        Raises:
            CorruptSource: if a file is no JSON object in UTF-8.
        """
        config = {
            **_object(folder / "special_tokens_map.json"),
            **_object(folder / "tokenizer_config.json"),
        }
        model = _object(folder / "config.json")
        ends = _ids(_object(folder / "generation_config.json").get("eos_token_id"))
        ends += _ids(model.get("eos_token_id"))
        return cls(config, model, _template(folder, config), tuple(dict.fromkeys(ends)))

    def flag(self, name: str) -> bool | None:
        """A setting that is true or false; None where nothing says."""
        value = self.config.get(name)
        return value if isinstance(value, bool) else None

    def token(self, name: str) -> str | None:
        """A special token's text, whether stored as text or as an object with `content`."""
        return content(self.config.get(name))

    @property
    def families(self) -> tuple[str, ...]:
        """What the folder calls its kind of tokenizer: a class without its endings, a model."""
        called = str(self.config.get("tokenizer_class") or "")
        name = called.removesuffix("Fast").removesuffix("Tokenizer").lower()
        return tuple(filter(None, (name, str(self.model.get("model_type") or ""))))


def content(token: Json) -> str | None:
    """A token's text, whether stored as text or as an object with `content`."""
    if isinstance(token, dict):
        token = token.get("content")
    return token if isinstance(token, str) else None


def text_of(path: Path) -> str:
    """A file's text.

    Raises:
        CorruptSource: if it is not UTF-8.
    """
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as exc:
        raise broken(path.name, str(exc)) from exc


def parsed(text: str, name: str) -> Object:
    """A JSON object.

    Raises:
        CorruptSource: if the text is none.
    """
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise broken(name, str(exc)) from exc
    if not isinstance(value, dict):
        raise broken(name, say("It is not a JSON object.", "JSON 객체가 아닙니다."))
    return value


def broken(name: str, why: str) -> CorruptSource:
    """The error of a file that is not what its name says."""
    return CorruptSource(
        say(f"{name} cannot be read.", f"{name} 파일을 읽을 수 없습니다."),
        why,
        say("Download the file again.", "파일을 다시 내려받으세요."),
    )


def _template(folder: Path, config: Object) -> str | None:
    if (folder / "chat_template.jinja").is_file():
        return text_of(folder / "chat_template.jinja")
    stored = config.get("chat_template")
    if isinstance(stored, list):  # several by name: the one called default
        named = {str(one.get("name")): one.get("template") for one in stored if _is(one)}
        stored = named.get("default")
    return stored if isinstance(stored, str) else None


def _is(value: Json) -> bool:
    return isinstance(value, dict)


def _ids(value: Json) -> list[int]:
    values: Iterable[Json] = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, int) and not isinstance(one, bool)]


def _object(path: Path) -> Object:
    return parsed(text_of(path), path.name) if path.is_file() else {}
