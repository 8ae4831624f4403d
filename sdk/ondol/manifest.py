"""The manifest of a bundle, version 1: what is in the folder, from where, under which terms.

Read as hostile input: every field is checked for kind and range, and every path must stay in
the folder. Fields this version does not know are refused, so that nothing is silently ignored.
"""

import json
import unicodedata
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

from ondol.device import Needs
from ondol.errors import CorruptBundle, UnsafePath
from ondol.language import say
from ondol.model_facts import Facts, SpeechFacts, fault_of
from ondol.model_facts import ModelFacts as ModelFacts  # its old home
from ondol.strict import build, load

VERSION = 1
MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
MAX_BYTES = 4 << 20
MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of the bundle: its path below the folder, bytes, and SHA-256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Variant:
    """The graphs for one target.

    `prefill` are stages that run many tokens at once in float arithmetic and give no logits;
    they share the weights file and the cache with `graph`. There may be none. Of a speech
    recogniser `graph` is the decoder, and the one graph of `prefill` the audio encoder. Of an
    encoder with graphs of fixed lengths they are those for shorter texts.
    """

    target: str
    graph: str
    prefill: tuple[str, ...]
    needs: Needs


@dataclass(frozen=True, slots=True)
class Origin:
    """A file the bundle was made from: name, bytes, SHA-256 in hex."""

    name: str
    size: int
    sha256: str


NO_KERNEL = "no-kernel"


@dataclass(frozen=True, slots=True)
class MatrixRecord:
    """How one tensor of the source was stored, in bytes, and whether exactly as it was.

    `method` is how its values were put on the grid: exact, nearest, search, gptq, awq or none;
    no-kernel where it stays in float32 because no kernel has blocks that its rows are made of.
    """

    name: str
    source_kind: str
    bits: int
    block: int
    bytes: int
    exact: bool
    method: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the converter was told, and what it did.

    `vocabulary` is full, ko-en or ko-en-compact, and `source_vocabulary` counts the tokens there
    were before. `budget` is the relative loss allowed, None where none was set.
    `calibration` are the texts by name, bytes and SHA-256.
    """

    weights: str
    context: int
    vocabulary: str
    source_vocabulary: int
    budget: float | None
    favor: str
    calibration: tuple[Origin, ...]
    matrices: tuple[MatrixRecord, ...]


@dataclass(frozen=True, slots=True)
class Licence:
    """Terms of the weights. `kind` is commercial, conditional, research-only or unknown."""

    name: str
    kind: str
    file: str
    note: str


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a conversation does when nobody says otherwise: system prompt, repetition penalty."""

    system: str = ""
    repetition_penalty: float = 1.0


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything a bundle says about itself."""

    ondol_bundle: int
    name: str
    created_by: str
    model: Facts
    files: tuple[FileEntry, ...]
    variants: tuple[Variant, ...]
    origins: tuple[Origin, ...]
    provenance: str
    recipe: Recipe
    licence: Licence
    defaults: Defaults

    def to_json(self) -> str:
        """The manifest as text, the same for the same content."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def parse(text: bytes, where: str) -> Manifest:
    """A manifest from its bytes.

    Raises:
        CorruptBundle: if it is not one, is of another version, or a field does not hold.
        UnsafePath: if it names a file outside its folder.
    """
    try:
        data = load(text, MAX_BYTES)
    except ValueError as exc:
        raise _corrupt(where, str(exc)) from exc
    version = data.get("ondol_bundle") if isinstance(data, dict) else None
    if version != VERSION or isinstance(version, bool):
        raise CorruptBundle(
            say(
                f"{where} is not a bundle that this Ondol reads.",
                f"{where}: 이 온돌이 읽는 번들이 아닙니다.",
            ),
            say(
                f"ondol_bundle is {version!r:.40}; {VERSION} is known.",
                f"ondol_bundle이 {version!r:.40}입니다. 아는 값은 {VERSION}입니다.",
            ),
            say(
                "Update Ondol, or convert the model again.",
                "온돌을 새로 설치하거나 모델을 다시 변환하세요.",
            ),
        )
    try:
        manifest = build(Manifest, data, "manifest")
    except ValueError as exc:
        raise _corrupt(where, str(exc)) from exc
    _check(manifest, where)
    return manifest


def plain_name(name: str) -> bool:
    """Whether a bundle can be called so: one folder's name, on any system, fit to print."""
    return (
        0 < len(name) <= MAX_NAME
        and name.isprintable()
        and not set(name) & set("/\\:")
        and not name.startswith(".")
        and name.strip() == name
    )


def plain_path(path: str) -> bool:
    """Whether a path names one file below a folder, on any system, and is fit to print."""
    pure = PurePosixPath(path)
    return (
        str(pure) == path  # "", "a//b" and "./a" are none, or another's name
        and bool(pure.name)
        and not pure.is_absolute()
        and ".." not in pure.parts
        and not set(path) & set("\\:")
        and path.isprintable()
    )


def folded(name: str) -> str:
    """What systems that ignore case, and composed Hangul, take for the same name."""
    return unicodedata.normalize("NFC", name).casefold()


def _corrupt(where: str, why: str) -> CorruptBundle:
    return CorruptBundle(
        say(f"The manifest of {where} does not hold.", f"{where}의 목록 파일이 올바르지 않습니다."),
        why,
        say(
            "Get the bundle again, or convert the model again.",
            "번들을 다시 받거나 모델을 다시 변환하세요.",
        ),
    )


def _check(manifest: Manifest, where: str) -> None:
    if not plain_name(manifest.name):
        raise _corrupt(where, f"name: {manifest.name!r:.200}")
    paths = [entry.path for entry in manifest.files]
    for path in paths:
        if not plain_path(path):
            raise UnsafePath(
                say(
                    f"{where} names a file outside its folder.",
                    f"{where}이(가) 폴더 밖의 파일을 가리킵니다.",
                ),
                f"{path!r:.200}",
                say(
                    "Do not use this bundle; get it from its maker again.",
                    "이 번들을 쓰지 말고 만든 곳에서 다시 받으세요.",
                ),
            )
    if len(set(map(folded, paths))) != len(paths):
        raise _corrupt(where, "files: a path twice")
    if {MANIFEST, SIGNATURE} & set(map(folded, paths)):
        raise _corrupt(where, "files: the manifest or its signature")
    named = [manifest.licence.file] if manifest.licence.file else []
    for variant in manifest.variants:
        named += [variant.graph, *variant.prefill]
    for path in [*named, "tokenizer.json"]:
        if path not in paths:
            raise _corrupt(where, f"files: {path[:200]!r} is missing")
    if manifest.defaults.repetition_penalty <= 0:
        raise _corrupt(where, "defaults.repetition_penalty: zero")
    fault = fault_of(manifest.model)
    if fault:
        raise _corrupt(where, f"model{fault}")
    for variant in manifest.variants:
        if isinstance(manifest.model, SpeechFacts) and len(variant.prefill) != 1:
            raise _corrupt(where, "variants: a recogniser has one audio encoder")
