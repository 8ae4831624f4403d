"""The bundle that a user means by a name; a starter that was never converted is converted once.

The converters are reached by name alone: a device has none, and `ondol` depends on none.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from ondol import store
from ondol.bundle import Bundle
from ondol.errors import BundleNotFound, MissingExtra
from ondol.language import say
from ondol.starter import STARTERS, Starter, locate

CONVERTERS = "ondol_converters"
PACKAGES = (CONVERTERS, "gguf", "onnx")

Progress = Callable[[str, int, int], None]
"""Called with a stage's name, how much of it is done and how much there is."""


def default_model() -> str:
    """The starter that is opened when no model is named."""
    return next(starter.name for starter in STARTERS.values() if starter.chats)


def bundle_for(model: str | None, make: Callable[[Starter], Bundle]) -> Bundle:
    """The bundle a user means; of a starter that is in no store, what `make` makes of it.

    Raises:
        BundleNotFound: if there is none, with the way to make one.
        BundleError: if it is there but does not hold.
    """
    name = default_model() if model is None else model
    try:
        return store.find(name)
    except BundleNotFound:
        if name in STARTERS:
            return make(STARTERS[name])
        if not Path(name).exists():
            raise
    raise BundleNotFound(
        say(f"{name} is not a bundle yet.", f"{name}은(는) 아직 번들이 아닙니다."),
        say("A model is converted before it runs.", "모델은 변환한 다음에 실행합니다."),
        f"ondol convert {name}",
    )


def check_makeable(starter: Starter) -> None:
    """Whether a starter could be made into a bundle here; nothing is read.

    Raises:
        MissingExtra: if its weights or the converters are not installed.
    """
    for part in starter.parts:
        locate(part)
    for package in PACKAGES:
        if find_spec(package) is None:
            raise _missing(package)


def notice(starter: Starter) -> str:
    """What a person is told before a starter is made."""
    return say(
        f"Preparing {starter.name}, once; this takes minutes.",
        f"{starter.name}을(를) 준비합니다. 처음 한 번만 하며 몇 분 걸립니다.",
    )


def make_starter(starter: Starter, progress: Progress | None = None) -> Bundle:
    """Convert a starter into the store, as it usually is.

    Raises:
        MissingExtra: if its weights or the converters are not installed.
        SourceError, StorageError: from the conversion.
    """
    with converters():
        convert = import_module(f"{CONVERTERS}.starters").convert_starter
        made: Bundle = convert(starter, store.folder() / starter.name, progress=progress).bundle
    return made


@contextmanager
def converters() -> Iterator[None]:
    """Say that the converters are missing where a block finds that they are.

    Raises:
        MissingExtra: with the command that installs them.
    """
    try:
        yield
    except ModuleNotFoundError as exc:
        package = (exc.name or "").partition(".")[0]
        if package not in PACKAGES:
            raise
        raise _missing(package) from exc


def _missing(package: str) -> MissingExtra:
    return MissingExtra(
        say("The converters are not installed.", "변환기가 설치되어 있지 않습니다."),
        say(f"The package {package} is missing.", f"{package} 패키지가 없습니다."),
        'pip install "ondol[converters]"',
    )
