"""What differs between two bundles: what they say, how matrices are stored, tokens, quality."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ondol.bundle import Bundle
from ondol.manifest import MatrixRecord
from ondol.quality import quality_of

if TYPE_CHECKING:
    from ondol.tokenizer import Tokenizer

ABSENT = "-"
TOKENIZER = "tokenizer.json"


@dataclass(frozen=True, slots=True)
class Change:
    """A field by its place in the manifest or the quality report, in either bundle as text."""

    field: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file of which the bundles hold other bytes; sizes in bytes, None where one has none."""

    path: str
    first_bytes: int | None
    second_bytes: int | None


@dataclass(frozen=True, slots=True)
class MatrixChange:
    """A matrix that is stored in another way; None where one bundle has none of its name."""

    name: str
    first: MatrixRecord | None
    second: MatrixRecord | None


@dataclass(frozen=True, slots=True)
class TokenChange:
    """How many tokens both vocabularies have, only one of them has, and under another id."""

    common: int
    only_first: int
    only_second: int
    moved: int


@dataclass(frozen=True, slots=True)
class Differences:
    """Everything that differs; `same` where nothing does, down to every file's hash.

    `tokens` is None where the bundles hold the same tokenizer.
    """

    first: str
    second: str
    same: bool
    first_bytes: int
    second_bytes: int
    fields: tuple[Change, ...]
    files: tuple[FileChange, ...]
    matrices: tuple[MatrixChange, ...]
    tokens: TokenChange | None
    quality: tuple[Change, ...]


def compare(first: Bundle, second: Bundle) -> Differences:
    """What differs between two bundles.

    The files' hashes are those that the manifests state: verify the bundles to rely on them.

    Raises:
        CorruptBundle: if a tokenizer or a quality report does not hold.
    """
    fields = _changes(_said(first), _said(second))
    files = _files(first, second)
    matrices = _matrices(first, second)
    tokens = None
    if any(change.path == TOKENIZER for change in files):
        tokens = _tokens(_tokenizer(first), _tokenizer(second))
    return Differences(
        first=str(first.path),
        second=str(second.path),
        same=not (fields or files or matrices),
        first_bytes=first.size,
        second_bytes=second.size,
        fields=fields,
        files=files,
        matrices=matrices,
        tokens=tokens,
        quality=_changes(_measured(first), _measured(second)),
    )


def _said(bundle: Bundle) -> dict[str, str]:
    """Every field of a manifest by its place; files and matrices are compared by themselves."""
    whole = asdict(bundle.manifest)
    del whole["files"], whole["recipe"]["matrices"]
    return dict(_leaves(whole, ""))


def _measured(bundle: Bundle) -> dict[str, str]:
    quality = quality_of(bundle)
    return dict(_leaves(asdict(quality), "")) if quality else {}


def _leaves(value: Any, at: str) -> Iterator[tuple[str, str]]:
    """Texts by place. What stands in a list is called by its name, target or kind if it has one."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{at}.{key}" if at else key)
    elif isinstance(value, list | tuple) and any(isinstance(each, Mapping) for each in value):
        for number, inner in enumerate(value):
            names = (inner.get(key) for key in ("name", "target", "kind", "language"))
            name = next((name for name in names if isinstance(name, str)), str(number))
            yield from _leaves(inner, f"{at}[{name}]")
    elif isinstance(value, list | tuple):
        yield at, ", ".join(map(str, value)) or ABSENT
    else:
        yield at, ABSENT if value in (None, "") else str(value)


def _changes(first: Mapping[str, str], second: Mapping[str, str]) -> tuple[Change, ...]:
    places = dict.fromkeys([*first, *second])
    pairs = ((at, first.get(at, ABSENT), second.get(at, ABSENT)) for at in places)
    return tuple(Change(*pair) for pair in pairs if pair[1] != pair[2])


def _files(first: Bundle, second: Bundle) -> tuple[FileChange, ...]:
    ours, theirs = ({f.path: f for f in b.manifest.files} for b in (first, second))
    found = []
    for path in sorted({*ours, *theirs}):
        one, other = ours.get(path), theirs.get(path)
        if one is None or other is None or one.sha256 != other.sha256:
            sizes = (entry.size if entry else None for entry in (one, other))
            found.append(FileChange(path, *sizes))
    return tuple(found)


def _matrices(first: Bundle, second: Bundle) -> tuple[MatrixChange, ...]:
    ours, theirs = ({m.name: m for m in b.manifest.recipe.matrices} for b in (first, second))
    pairs = ((name, ours.get(name), theirs.get(name)) for name in dict.fromkeys([*ours, *theirs]))
    return tuple(MatrixChange(*pair) for pair in pairs if pair[1] != pair[2])


def _tokenizer(bundle: Bundle) -> "Tokenizer":
    from ondol.tokenizer import Tokenizer

    bundle.verify([TOKENIZER])
    return Tokenizer(bundle.read(TOKENIZER))


def _tokens(first: "Tokenizer", second: "Tokenizer") -> TokenChange:
    ours, theirs = first.vocabulary, second.vocabulary
    common = ours.keys() & theirs.keys()
    return TokenChange(
        len(common),
        len(ours) - len(common),
        len(theirs) - len(common),
        sum(ours[token] != theirs[token] for token in common),
    )
