"""Bundles for commands: those in the store, and starters made into bundles once.

The converters are reached by name alone: a device has none, and `ondol` depends on none.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from ondol import preparing, store
from ondol.bundle import Bundle
from ondol.cli.output import note, progress
from ondol.cli.trials import trials_shown
from ondol.errors import OptionError
from ondol.language import say
from ondol.preparing import CONVERTERS, converters
from ondol.starter import STARTERS, Starter, locate


class Made(Protocol):
    """What a conversion gives: see ondol_converters.conversion.Conversion."""

    @property
    def bundle(self) -> Bundle:
        """The finished bundle."""
        ...

    @property
    def budget(self) -> Any:
        """What the search for a budget found; None where there was none."""
        ...

    @property
    def npu(self) -> Any:
        """What quantising for a neural processor cost; None where that was not asked for."""
        ...

    @property
    def one(self) -> Any:
        """What was written for Samsung ONE; None where that was not asked for."""
        ...


def bundle_for(model: str | None) -> Bundle:
    """The bundle a user means; a starter that was never converted is converted now, with bars.

    Raises:
        BundleNotFound: if there is none, with the way to make one.
    """
    return preparing.bundle_for(model, _prepared)


@dataclass(frozen=True, slots=True)
class Choices:
    """What a user says of a conversion: see ondol_converters.recipe.Options. None: its default."""

    weights: str = "auto"
    method: str | None = None
    block: int | None = None
    context: int | None = None
    kv_cache: str = "auto"
    vocabulary: str | None = None
    hanja: bool = False
    coverage: float | None = None
    texts: tuple[Path, ...] = ()
    quality: bool = False
    target: str = "cpu"
    activations: str | None = None
    budget: float | None = None
    favor: str = "size"
    licence: str | None = None
    licence_file: Path | None = None
    licence_class: str | None = None


def make(model: str, target: Path, name: str, choices: Choices | None = None) -> Made:
    """Convert a GGUF file, a Hugging Face folder or a starter, with a bar for each stage.

    Raises:
        MissingExtra: if the converters or the starter's weights are not installed.
        OptionError: if a setting cannot be meant.
        SourceError, StorageError: from the conversion.
    """
    with converters():
        said = choices or Choices()
        starter = starter_of(model, said)
        options, stated = options_of(said, starter), stated_licence(said)
        with progress(stage_title) as report:
            if starter is None:
                convert = import_module(CONVERTERS).convert
                made: Made = convert(
                    Path(model),
                    target,
                    name=name,
                    options=options,
                    licence=stated,
                    progress=report,
                    watch=trials_shown(report.row),
                )
            else:
                convert = import_module(f"{CONVERTERS}.starters").convert_starter
                made = convert(
                    starter,
                    target,
                    options=options,
                    progress=report,
                    watch=trials_shown(report.row),
                )
    return made


def options_of(said: Choices, starter: Starter | None) -> Any:
    """The settings as the converters take them; warns where the user's texts are hardly Korean.

    Raises:
        OptionError: if a setting cannot be meant.
    """
    recipe = import_module(f"{CONVERTERS}.recipe")
    coverage = starter.coverage if starter else recipe.COVERAGE
    options = recipe.Options(
        said.weights,
        recipe.DEFAULT_CONTEXT if said.context is None else said.context,
        method=said.method,
        block=recipe.DEFAULT_BLOCK if said.block is None else said.block,
        vocabulary=said.vocabulary or (starter.vocabulary if starter else "full"),
        hanja=said.hanja,
        coverage=coverage if said.coverage is None else said.coverage,
        kv_cache=said.kv_cache,
        calibration=said.texts,
        quality=said.quality,
        target=said.target,
        activations=said.activations,
        budget=said.budget,
        favor=said.favor,
    )
    _warn_of_texts(options)
    return options


def starter_of(model: str, said: Choices) -> Starter | None:
    """The starter that a user means; None where it is a file or folder, or no starter at all.

    Raises:
        MissingExtra: if its weights are not installed.
        OptionError: if the user states a licence for it.
    """
    starter = None if Path(model).exists() else STARTERS.get(model)
    if starter is None:
        return None
    for part in starter.parts:
        locate(part)
    if said.licence is not None:
        raise OptionError(
            say(
                f"The licence of {starter.name} is known.",
                f"{starter.name}의 라이선스는 이미 알고 있습니다.",
            ),
            f"{starter.licence} ({starter.licence_kind})",
            say("Leave out --licence.", "--licence를 빼세요."),
        )
    return starter


def stated_licence(said: Choices) -> Any:
    """What the user says of the licence, as the converters take it; None for nothing.

    Raises:
        OptionError: if there is a text or a class, but no name.
    """
    if said.licence is not None:
        terms = import_module(f"{CONVERTERS}.licences.terms")
        return terms.Stated(said.licence, said.licence_file, said.licence_class)
    if said.licence_file is None and said.licence_class is None:
        return None
    raise OptionError(
        say("The licence has no name.", "라이선스 이름이 없습니다."),
        say("A text or a class is of a licence.", "전문과 등급은 라이선스에 딸린 것입니다."),
        say("Add --licence NAME.", "--licence 이름을 함께 주세요."),
    )


def _warn_of_texts(options: Any) -> None:
    """Say so where the user's own texts are hardly Korean."""
    if options.calibration:
        warning = import_module(f"{CONVERTERS}.texts").load(options.calibration).warning
        if warning is not None:
            note(str(warning))


def _prepared(starter: Starter) -> Bundle:
    name = starter.name
    note(say(f"Preparing {name}, once.", f"{name}을(를) 준비합니다. 처음 한 번만 합니다."))
    return make(name, store.folder() / name, name).bundle


def stage_title(stage: str) -> str:
    """What a stage of a conversion or a measurement is called."""
    return {
        "verify": say("Checking the source", "원본 확인"),
        "tokenizer": say("Tokenizer", "토크나이저"),
        "weights": say("Weights", "가중치"),
        "graph": say("Graph", "그래프"),
        "hash": say("Hashes", "해시"),
        "circle": say("Circle file", "circle 파일"),
        "quantise": say("Calibrating and quantising", "보정과 양자화"),
        "measure": say("Measuring the loss", "손실 측정"),
        "evaluate": say("Evaluating", "평가"),
        "int8": say("Rounding to 8 bits", "8비트로 반올림"),
        "cache": say("Key-value cache", "키·값 캐시"),
        "source": say("The source in float32, to compare with", "비교할 float32 원본"),
        "texts": say("Scoring texts", "글로 재기"),
        "tasks": say("Answering items", "문항 풀기"),
        "generation": say("Writing answers", "답 써 보기"),
        "retrieval": say("Finding passages", "글 찾기"),
        "retrieval: source": say("Finding passages with the source", "원본으로 글 찾기"),
        "baseline": say("Scoring the source", "원본 점수 매기기"),
        "calibration": say("Calibrating and rounding", "보정하고 반올림하기"),
        "sensitivity": say("Sensitivity of each matrix", "행렬별 민감도"),
        "kernels": say("Timing the kernels", "커널 시간 재기"),
    }.get(stage, stage)


def plain_name(name: str) -> str:
    """A bundle's name in the store, checked to be one.

    Raises:
        OptionError: if it could lead out of the store or is hidden.
    """
    if not name or name.startswith(".") or Path(name).name != name or "\\" in name:
        raise OptionError(
            say(
                f"{name!r} is no name for a bundle.", f"{name!r}은(는) 번들 이름이 될 수 없습니다."
            ),
            say(
                "A name has no slashes and does not begin with a dot.",
                "이름에는 빗금이 없어야 하고 마침표로 시작할 수 없습니다.",
            ),
            say("Give one with --name, or a folder with --out.", "--name이나 --out으로 정하세요."),
        )
    return name
