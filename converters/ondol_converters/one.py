"""The variant for Samsung ONE: a circle file of a decoder or an encoder, beside the other graphs.

Its matrices hold the numbers that the bundle's own hold, in GGML's blocks or in float32; where
they cannot be the same, `one.json` names them. Written for onert and run on its CPU backend; not
run on silicon of Exynos.
"""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.util import find_spec

import onnx

from ondol import __version__
from ondol.bundle import Bundle, entry_of
from ondol.device import Needs
from ondol.errors import MissingExtra
from ondol.files import write_whole
from ondol.language import say
from ondol.manifest import Manifest, Variant
from ondol.target_reports import ONE_REPORT, OneReport
from ondol_converters.families.decoder import Decoder
from ondol_converters.graph.decoder import DecoderWeights
from ondol_converters.graph.encoder import Encoder, EncoderWeights
from ondol_converters.recipe import Options
from ondol_converters.sources import Source

NAME = "one"
CIRCLE = "one.circle"
PACKAGES = ("circle_schema", "flatbuffers")

DENSE = ("float32", "float16", "bfloat16")
"""Weights that become float32 here."""

Progress = Callable[[str, int, int], None]


def check_one() -> None:
    """Refuse before anything is converted.

    Raises:
        MissingExtra: if what writes circle files is not installed.
    """
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        raise MissingExtra(
            say(
                "Writing circle files needs more than is installed.",
                "circle 파일을 쓰는 데 필요한 패키지가 없습니다.",
            ),
            say(f"Missing: {', '.join(missing)}.", f"없는 것: {', '.join(missing)}"),
            'pip install "ondol[one]"',
        )


def check_size(source: Source, options: Options) -> None:
    """Refuse dense weights that no circle file holds, before they are written.

    Raises:
        OptionError: saying how large the file would be.
    """
    from ondol_converters.circle.file import MOST_BYTES, too_large

    size = 4 * sum(math.prod(tensor.shape) for tensor in source.tensors.values())
    if options.weights in DENSE and size > MOST_BYTES:
        raise too_large(CIRCLE, size)


def with_decoder(
    bundle: Bundle, decoder: Decoder, weights: DecoderWeights, file: str, progress: Progress
) -> tuple[Manifest, OneReport]:
    """Add the variant to a bundle's folder; the manifest that goes with it, and what it holds.

    Args:
        bundle: an opened folder.
        decoder: what it was drawn from.
        weights: as they lie in the bundle's own file of weights, whose name is `file`.
        progress: told of bytes written.

    Raises:
        OptionError: if the family has something that is not drawn, or the file is too large.
    """
    from ondol_converters.circle.decoder import CirclePen

    model = CirclePen(decoder, weights, file, 1, bundle.decoder.context).model(__version__)
    return _with(bundle, model, progress)


def with_encoder(
    bundle: Bundle, encoder: Encoder, weights: EncoderWeights, file: str, progress: Progress
) -> tuple[Manifest, OneReport]:
    """As `with_decoder`, for an encoder of text."""
    from ondol_converters.circle.encoder import draw_circle

    return _with(bundle, draw_circle(encoder, weights, file, __version__), progress)


def _with(bundle: Bundle, model: onnx.ModelProto, progress: Progress) -> tuple[Manifest, OneReport]:
    from ondol_converters.circle.translation import translate

    folder = bundle.folder
    made = translate(model, folder)
    made.file.write(folder / CIRCLE, lambda done, total: progress("circle", done, total))
    size = (folder / CIRCLE).stat().st_size
    report = OneReport(
        operators=made.file.operators(),
        kinds=made.file.kinds(),
        inexact=tuple(made.inexact),
        circle_bytes=size,
        inputs=tuple(made.file.inputs),
        outputs=tuple(made.file.outputs),
    )
    text = json.dumps(asdict(report), ensure_ascii=False, indent=1) + "\n"
    write_whole(folder / ONE_REPORT, text.encode())
    needs = Needs(report.operators, report.kinds, size)
    manifest = bundle.manifest
    files = tuple(entry_of(folder, name) for name in (CIRCLE, ONE_REPORT))
    variant = Variant(NAME, CIRCLE, (), needs)
    return (
        replace(
            manifest,
            files=(*manifest.files, *files),
            variants=(*manifest.variants, variant),
        ),
        report,
    )
