"""What a bundle is compared with: another bundle, or its source in float32 for a while."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from ondol import store
from ondol.bundle import Bundle
from ondol.cli.making import Choices, make, stage_title
from ondol.cli.output import note, progress
from ondol.errors import OptionError
from ondol.files import storage_errors
from ondol.language import say
from ondol.manifest import MANIFEST
from ondol.preparing import CONVERTERS, converters
from ondol.quality import CalibrationQuality
from ondol.starter import STARTERS

FLOAT = "float32"


@contextmanager
def source_bundle(source: str, bundle: Bundle) -> Iterator[Bundle]:
    """A bundle to compare with; what had to be converted for it is deleted at the end.

    Raises:
        SourceError: if it cannot be converted.
        BundleNotFound: if it is neither a model nor a bundle.
    """
    path = Path(source)
    if (path / MANIFEST).exists() or not (path.exists() or source in STARTERS):
        yield _same_origin(store.find(source), bundle)
        return
    note(
        say(
            "The source is converted to float32 for the comparison, and deleted afterwards.",
            "비교하려고 원본을 float32로 변환합니다. 끝나면 지웁니다.",
        )
    )
    folder = bundle.path.resolve().parent / f".{bundle.name}.{FLOAT}"
    choices = Choices(weights=FLOAT, context=bundle.manifest.model.context, vocabulary="full")
    try:
        made = make(source, folder, FLOAT, choices).bundle
        yield _same_origin(made, bundle)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_name(f".{folder.name}.lock").unlink(missing_ok=True)


def calibrations(source: str | None, bundle: Bundle) -> tuple[CalibrationQuality, ...]:
    """A source quantised with Korean and with English calibration text, and scored.

    Raises:
        OptionError: if there is no source, or it is a bundle, whose weights are rounded already.
        MissingExtra: if the converters are not installed.
        SourceError, StorageError: from the conversions.
    """
    path = Path(source or "")
    starter = None if path.exists() else STARTERS.get(source or "")
    if source is None or (path / MANIFEST).exists() or not (path.exists() or starter):
        raise OptionError(
            say(
                "--calibrations needs the model itself.",
                "--calibrations에는 원본 모델이 필요합니다.",
            ),
            say("It is quantised anew for each language.", "언어마다 새로 양자화하기 때문입니다."),
            "--against MODEL.gguf",
        )
    folder = bundle.path.resolve().parent / f".{bundle.name}.calibrations"
    shutil.rmtree(folder, ignore_errors=True)
    with converters(), progress(stage_title) as report:
        compare = import_module(f"{CONVERTERS}.calibrations").compare_calibrations
        if starter is None:
            opened = import_module(f"{CONVERTERS}.sources").open_source(path)
        else:
            opened = import_module(f"{CONVERTERS}.starters").open_starter(starter)
        try:
            with opened, storage_errors(folder):
                folder.mkdir()
                found: tuple[CalibrationQuality, ...] = compare(opened, folder, report)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return found


def _same_origin(source: Bundle, bundle: Bundle) -> Bundle:
    hashes = [{origin.sha256 for origin in each.manifest.origins} for each in (source, bundle)]
    if not hashes[0] & hashes[1]:
        note(
            say(
                f"{bundle.name} was not made from these files.",
                f"{bundle.name}은(는) 이 파일로 만든 번들이 아닙니다.",
            )
        )
    return source
