"""`sweep.toml`: which models, which recipes, which targets. Read strictly, as hostile input.

targets = ["cpu"]             # every one with every recipe and model
out = "sweep"                 # where bundles, records and the report go; this is the default
evaluate = true               # also measure bits per character

[models]
qwen = "models/qwen.gguf"     # a path, or a starter's name (ondol models)

[recipes.small]               # keys are the fields of ondol_converters.recipe.Options
weights = "int8"
context = 2048
"""

import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from ondol.errors import BadText, OptionError
from ondol.evaluation.text import read_bytes
from ondol.language import say
from ondol.manifest import plain_name
from ondol.starter import STARTERS
from ondol_converters.recipe import Options, Target
from ondol_converters.sweep.job import BETWEEN, Job
from ondol_converters.sweep.tables import check_keys, options_of, wrong_kind
from ondol_converters.targets import TARGETS
from ondol_converters.targets import target as target_named

KEYS = ("targets", "out", "evaluate", "models", "recipes")
OUT = "sweep"
BUNDLES = "bundles"
MOST_BYTES = 1 << 20
MOST_JOBS = 10_000


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a `sweep.toml` says. `models` are by name: an absolute path, or a starter's name."""

    out: Path
    targets: tuple[str, ...]
    models: Mapping[str, str]
    recipes: Mapping[str, Options]
    evaluate: bool

    def jobs(self) -> tuple[Job, ...]:
        """Every model with every recipe for every target, the largest models first."""
        found = [
            Job(model, recipe, target, source, _for(options, target), folder, self.evaluate)
            for model, source in self.models.items()
            for recipe, options in self.recipes.items()
            for target in self.targets
            for folder in [self.out / BUNDLES / BETWEEN.join((model, recipe, target))]
        ]
        return tuple(sorted(found, key=lambda job: -job.source_bytes()))


def read(path: Path, out: Path | None = None) -> Sweep:
    """A sweep from its file; relative paths are relative to the file's folder.

    Args:
        out: where results go instead of where the file says, which must be below its folder.

    Raises:
        BadText: if the file cannot be read, is too large, or is not TOML in UTF-8.
        OptionError: if it says something that cannot be meant.
    """
    name, folder = path.name, path.resolve().parent
    table = _parsed(name, read_bytes(path))
    check_keys(table, KEYS, name)
    models = {
        _name(key, f"{name}: models"): _source(value, f"{name}: models.{key}", folder)
        for key, value in _table(table, "models", name).items()
    }
    recipes = {
        _name(key, f"{name}: recipes"): _recipe(value, f"{name}: recipes.{key}", folder)
        for key, value in _table(table, "recipes", name).items()
    }
    for what, names in (("models", models), ("recipes", recipes)):
        _different(names, f"{name}: {what}")
    evaluate = table.get("evaluate", False)
    if not isinstance(evaluate, bool):
        raise wrong_kind(f"{name}: evaluate", "true, false", evaluate)
    targets = tuple(_targets(table.get("targets", ["cpu"]), name))
    count = len(models) * len(recipes) * len(targets)
    if count > MOST_JOBS:
        raise OptionError(
            say(f"{name} asks for {count:,} bundles.", f"{name}: 번들이 {count:,}개나 됩니다."),
            say(f"{MOST_JOBS:,} are the most.", f"많아야 {MOST_JOBS:,}개입니다."),
            say("Split it into several files.", "여러 파일로 나누세요."),
        )
    where = _out(table.get("out", OUT), name, folder) if out is None else out.resolve()
    return Sweep(where, targets, models, recipes, evaluate)


def _parsed(name: str, data: bytes) -> dict[str, Any]:
    if len(data) > MOST_BYTES:
        raise BadText(
            say(f"{name} is too large.", f"{name} 파일이 너무 큽니다."),
            say(f"More than {MOST_BYTES >> 20} MiB.", f"{MOST_BYTES >> 20} MiB를 넘습니다."),
            say("Split it into several files.", "여러 파일로 나누세요."),
        )
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as exc:  # of UTF-8 and of TOML
        raise BadText(
            say(f"{name} is not TOML.", f"{name}은(는) TOML이 아닙니다."),
            f"{exc}"[:200],
            say("Correct it: https://toml.io", "고치세요: https://toml.io/ko"),
        ) from exc


def _table(table: Mapping[str, Any], key: str, name: str) -> Mapping[str, Any]:
    found = table.get(key, {})
    if not isinstance(found, Mapping):
        raise wrong_kind(f"{name}: {key}", "a table", found)
    if not found:
        english, korean = {
            "models": ('[models]\nqwen = "qwen.gguf"', "모델"),
            "recipes": ('[recipes.lossless]\nweights = "auto"', "레시피"),
        }[key]
        raise OptionError(
            say(f"{name} names no {key}.", f"{name}에 {korean}이(가) 없습니다."),
            say("There is nothing to convert.", "변환할 것이 없습니다."),
            english,
        )
    return found


def _name(key: str, where: str) -> str:
    name = unicodedata.normalize("NFC", key)
    if not plain_name(name) or BETWEEN in name:
        raise OptionError(
            say(
                f"{where}: nothing can be called {key!r:.80}.",
                f"{where}: 쓸 수 없는 이름입니다: {key!r:.80}",
            ),
            say(
                f"It names bundles: printable, without / \\ : {BETWEEN} and no dot in front.",
                f"번들의 이름이 됩니다. / \\ : {BETWEEN} 기호, 맨 앞의 점은 쓸 수 없습니다.",
            ),
            say("Choose another name.", "다른 이름을 고르세요."),
        )
    return name


def _recipe(value: object, where: str, folder: Path) -> Options:
    """A recipe for any target: activations are of those that quantise them."""
    if not isinstance(value, Mapping):
        raise wrong_kind(where, say("a table", "표"), value)
    if "target" in value:
        raise OptionError(
            say(f"{where} names a target.", f"{where}에 대상이 있습니다."),
            say("Every recipe is used for every target.", "레시피는 모든 대상에 씁니다."),
            'targets = ["cpu", "npu"]',
        )
    quantised = {"target": "npu"} if "activations" in value else {}
    return options_of({**value, **quantised}, where, folder)


def _for(options: Options, target: str) -> Options:
    """A recipe's settings for one target."""
    static = target_named(target).static
    activations = options.activations if static else None
    return replace(options, target=cast(Target, target), activations=activations)


def _different(names: Mapping[str, object], where: str) -> None:
    """Names that a file system may hold to be the same are refused."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise OptionError(
                say(
                    f"{where}: {other!r} and {name!r} are too alike.",
                    f"{where}: {other!r}와 {name!r}을(를) 구별할 수 없습니다.",
                ),
                say("On some disks they are one folder.", "같은 폴더로 보는 디스크가 있습니다."),
                say("Choose another name.", "다른 이름을 고르세요."),
            )


def _source(value: object, where: str, folder: Path) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise wrong_kind(where, say("a path", "경로"), value)
    path = folder / value
    return value if value in STARTERS and not path.exists() else str(path.resolve())


def _targets(value: object, name: str) -> Iterator[str]:
    if not isinstance(value, list) or not value:
        raise wrong_kind(f"{name}: targets", str(list(TARGETS)), value)
    for at, target in enumerate(value):
        if target not in TARGETS or target in value[:at]:
            raise OptionError(
                say(
                    f"{name}: {target!r:.80} is no target, or comes twice.",
                    f"{name}: 없는 대상이거나 두 번 나옵니다: {target!r:.80}",
                ),
                say(f"Known: {', '.join(TARGETS)}.", f"아는 대상: {', '.join(TARGETS)}."),
                f"targets = {list(TARGETS)}",
            )
        yield target


def _out(value: object, name: str, folder: Path) -> Path:
    if not isinstance(value, str) or not value or "\0" in value:
        raise wrong_kind(f"{name}: out", say("a folder", "폴더"), value)
    path = (folder / value).resolve()
    if not path.is_relative_to(folder) or path == folder:
        raise OptionError(
            say(
                f"{name}: out leads out of the file's folder: {value!r:.80}.",
                f"{name}: out이 파일이 있는 폴더 밖을 가리킵니다: {value!r:.80}",
            ),
            say(
                "A file may not choose where on the disk it is written.",
                "파일이 디스크의 아무 곳에나 쓰게 할 수는 없습니다.",
            ),
            say("Say it yourself: --out DIR", "직접 정하세요: --out DIR"),
        )
    return path
