"""The proof beside a bundle: measured against its own source in float32, before it is in place."""

import shutil
from collections.abc import Callable
from pathlib import Path

from ondol.bundle import Bundle
from ondol.evaluation.measuring import measure
from ondol.evaluation.saving import write_quality
from ondol.evaluation.scoring import WINDOW
from ondol.quality import Quality
from ondol_converters.recipe import Options

SOURCE = ".float32"

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done and how much there is."""

Converter = Callable[[Path, Options, Progress], Bundle]
"""Writes the source as a bundle with these options into a folder."""


def prove(bundle: Bundle, converter: Converter, progress: Progress) -> Quality:
    """Measure a bundle that nobody uses yet, and put the report and its hash into its folder.

    The source in float32 lies in the same folder meanwhile: it goes with it if all is cut short.

    Raises:
        DiskFull, StorageError: if the disk has no room for the source in float32.
        DeviceError: if the CPU cannot run the bundle.
    """
    place = bundle.folder / SOURCE

    def report(stage: str, done: int, total: int) -> None:
        if stage == "weights":
            progress("source", done, total)

    try:
        context = min(WINDOW, bundle.manifest.model.context)
        against = converter(place, Options(weights="float32", context=context), report)
        quality = measure(bundle, against, progress=progress)
    finally:
        shutil.rmtree(place, ignore_errors=True)
        place.with_name(f".{place.name}.lock").unlink(missing_ok=True)
    write_quality(bundle.folder, bundle.manifest, quality)
    return quality
