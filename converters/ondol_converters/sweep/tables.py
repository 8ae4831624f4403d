"""Settings of a conversion from a table of TOML or JSON, and back: each key is a field."""

import difflib
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ondol.errors import OptionError
from ondol.language import say
from ondol_converters.recipe import Options

Made = TypeVar("Made")


def options_of(table: Mapping[str, Any], where: str, folder: Path) -> Options:
    """Settings from a table whose keys are the fields of `Options`.

    Args:
        where: what the table is called in messages.
        folder: what relative paths are relative to.

    Raises:
        OptionError: at a key that is no field, a value of another kind, or one that cannot be
            meant.
    """
    return _build(Options, table, where, folder)


def table_of(options: Options) -> dict[str, Any]:
    """Settings as a table that JSON can hold; `options_of` reads it back."""
    return {
        name: value
        for name, value in _plain(asdict(options)).items()
        if value is not None  # TOML has no null, so what is None is left out
    }


def check_keys(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    """Refuse keys that nobody would read.

    Raises:
        OptionError: naming the first one, and the nearest that is known.
    """
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = say(f" Is {near[0]} meant?", f" 혹시 {near[0]}인가요?") if near else ""
            raise OptionError(
                say(
                    f"{where} has a key that nobody reads: {key!r:.80}.",
                    f"{where}에 쓰이지 않는 항목이 있습니다: {key!r:.80}",
                ),
                say(f"Known: {', '.join(known)}.{hint}", f"아는 항목: {', '.join(known)}.{hint}"),
                say("Correct it or leave it out.", "고치거나 지우세요."),
            )


def wrong_kind(where: str, wanted: str, value: object) -> OptionError:
    """The error for a value of another kind than its key takes."""
    return OptionError(
        say(f"{where} is of the wrong kind.", f"{where}의 값 종류가 맞지 않습니다."),
        say(f"{wanted} expected, found {value!r:.80}.", f"{wanted}이어야 합니다: {value!r:.80}"),
        say("Correct it or leave it out.", "고치거나 지우세요."),
    )


def _build(kind: type[Made], table: Any, where: str, folder: Path) -> Made:
    if not isinstance(table, Mapping):
        raise wrong_kind(where, "a table", table)
    hints = get_type_hints(kind)
    check_keys(table, tuple(f.name for f in fields(kind)), where)  # type: ignore[arg-type]
    values = {
        name: _value(hints[name], value, f"{where}.{name}", folder) for name, value in table.items()
    }
    try:
        return kind(**values)
    except TypeError as exc:  # a field without a default was left out
        raise OptionError(
            say(f"{where} is not whole.", f"{where}에 빠진 항목이 있습니다."),
            str(exc),
            say("Add what is missing.", "빠진 항목을 더하세요."),
        ) from exc


def _value(hint: Any, value: Any, where: str, folder: Path) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        if value not in inner or isinstance(value, bool):
            raise wrong_kind(where, ", ".join(map(str, inner)), value)
        return value
    if origin in (Union, UnionType):
        kind = next(each for each in inner if each is not NoneType)
        return _value(kind, value, where, folder)
    if origin is tuple:
        if not isinstance(value, list):
            raise wrong_kind(where, "a list", value)
        return tuple(_value(inner[0], v, f"{where}[{i}]", folder) for i, v in enumerate(value))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise wrong_kind(where, "a table", value)
        return {k: _value(inner[1], v, f"{where}.{k}", folder) for k, v in value.items()}
    if isinstance(hint, type) and is_dataclass(hint):
        return _build(hint, value, where, folder)
    if hint is Path:
        if not isinstance(value, str) or not value:
            raise wrong_kind(where, "a path", value)
        return (folder / value).resolve()
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise wrong_kind(where, hint.__name__, value)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value
