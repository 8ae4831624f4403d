"""What is said of a model whose architecture no family describes, and the ways on from there."""

from collections.abc import Sequence
from importlib.resources import files
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ondol.errors import UnknownArchitecture
from ondol.language import say

if TYPE_CHECKING:
    from ondol_converters.families.nearest import Likeness
    from ondol_converters.sources import Source

PAGE = "ADDING_A_FAMILY.md"
SHOWN = 6  # of a list of differences
NEAR = 0.25  # below this share, naming the nearest would mislead


def page() -> str:
    """Where the page that shows how to add a family is on this machine."""
    return str(files("ondol_converters") / PAGE)


def unknown(model_type: str) -> UnknownArchitecture:
    """The error of a `model_type` of which nothing more is known."""
    return UnknownArchitecture(_what(model_type, ""), _known(), page_hint())


def unknown_source(source: "Source") -> UnknownArchitecture:
    """The error of a source: what is nearest to it, what differs, who could export it."""
    from ondol_converters.families import family, nearest, places

    if source.model_type in places():
        return _other_format(source, tuple(family(source.model_type).names))
    called = source.config.get("architectures")
    classes = ", ".join(map(str, called)) if isinstance(called, list) else ""
    near = nearest.nearest(source)
    why = [differences(near)] if near is not None and near.share >= NEAR else []
    return UnknownArchitecture(
        _what(source.model_type, classes),
        "\n".join([*why, _known()]),
        optimum_hint(source) + page_hint(),
    )


def _other_format(source: "Source", formats: Sequence[str]) -> UnknownArchitecture:
    """The error of a known family whose tensors have no known names in this format."""
    known = ", ".join(formats)
    return UnknownArchitecture(
        say(
            f"The architecture {source.model_type!r} cannot be read from {source.format} files.",
            f"{source.model_type!r} 구조는 {source.format} 파일에서 읽을 수 없습니다.",
        ),
        say(f"It is read from: {known}.", f"읽을 수 있는 형식: {known}."),
        say(
            "Convert the model's Hugging Face folder: config.json, safetensors and tokenizer.",
            "config.json, safetensors, 토크나이저가 든 모델의 Hugging Face 폴더를 변환하세요.",
        ),
    )


def differences(like: "Likeness") -> str:
    """One line for each kind of difference from a family."""
    name = like.family.model_type
    said = [
        say(
            f"The nearest is {name}: of {like.kinds} kinds of tensors {like.same} fit by name and "
            f"shape, {len(like.renamed)} by shape alone.",
            f"가장 가까운 것은 {name}입니다. 텐서 {like.kinds}종 가운데 이름과 모양이 같은 것이 "
            f"{like.same}종, 모양만 같은 것이 {len(like.renamed)}종입니다.",
        )
    ]
    rows = (
        (say("It also has:", "더 있는 텐서:"), like.extra),
        (say("It lacks:", "없는 텐서:"), like.missing),
        (
            say("Under other names:", "이름이 다른 텐서:"),
            [f"{theirs} ({ours})" for ours, theirs in like.renamed],
        ),
        (
            say("Of other shapes:", "모양이 다른 텐서:"),
            [f"{n} {list(have)} ({list(want)})" for n, want, have in like.reshaped],
        ),
        (
            say("Config keys under other names:", "이름이 다른 설정:"),
            [f"{theirs} ({ours})" for ours, theirs in like.keys],
        ),
        (say("Config keys that are missing:", "없는 설정:"), like.lacks),
        (say("Asked for and not drawn:", "그래프에 없는 설정:"), like.ignored),
    )
    said += [f"{title} {_listed(items)}." for title, items in rows if items]
    return "\n".join(said)


def optimum_hint(source: "Source") -> str:
    """How optimum exports a model, where it can; else nothing."""
    from ondol_converters.families.optimum import task_of

    task = task_of(source.model_type)
    if task is None or source.format != "huggingface":
        return ""
    install = "" if find_spec("optimum") else 'pip install "optimum-onnx[onnxruntime]==0.1.0" && '
    command = (
        f"{install}optimum-cli export onnx --model {source.path} --task {task} {source.path}-onnx"
    )
    return say(
        f"optimum exports it to plain ONNX, without Ondol's decoder and quantisation: {command}\n",
        f"optimum으로 일반 ONNX 파일을 만들 수 있습니다(온돌의 디코더와 양자화 없이): {command}\n",
    )


def page_hint() -> str:
    """Where to read how a family is added."""
    return say(
        f"Add it as a family in a package of your own: {page()}",
        f"내 패키지에서 구조를 추가하는 방법: {page()}",
    )


def _what(model_type: str, classes: str) -> str:
    called = f" ({classes})" if classes else ""
    return say(
        f"The architecture {model_type!r}{called} is not known to Ondol.",
        f"온돌이 모르는 모델 구조입니다: {model_type!r}{called}",
    )


def _known() -> str:
    from ondol_converters.families import places

    known = ", ".join(sorted(places()))
    return say(f"Known: {known}.", f"아는 구조: {known}.")


def _listed(items: Sequence[str]) -> str:
    shown = ", ".join(items[:SHOWN])
    more = len(items) - SHOWN
    return shown + (say(f" and {more} more", f" 외 {more}개") if more > 0 else "")
