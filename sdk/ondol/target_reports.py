"""What a bundle says of its graphs for one target: converters write it, devices read it."""

from dataclasses import dataclass
from typing import TypeVar

from ondol.bundle import Bundle
from ondol.errors import CorruptBundle
from ondol.language import say
from ondol.stateless import Port
from ondol.strict import build, load

ONE_REPORT, NPU_REPORT = "one.json", "npu.json"
MOST_BYTES = 1 << 24

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class OneReport:
    """What was written for Samsung ONE: operators by circle's names, and bytes.

    `inputs` and `outputs` are the circle's in its order, by name, kind and declared shape.
    `inexact` are the matrices whose numbers GGML's blocks do not hold as the bundle's own do.
    """

    operators: tuple[str, ...]
    kinds: tuple[str, ...]
    inexact: tuple[str, ...]
    circle_bytes: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class NpuReport:
    """What quantising for a neural processor cost, on the CPU and a text not calibrated on.

    `context` are positions of the static graphs' cache, `bucket` tokens of a prompt at a time.
    `top1_agreement` is the share of `tokens` for which the float graph has the same likeliest one.
    Bits per character are of those tokens, in float and quantised.
    """

    activations: str
    context: int
    bucket: int
    calibration_tokens: int
    text: str
    tokens: int
    top1_agreement: float
    float_bits_per_character: float
    bits_per_character: float

    @property
    def relative_loss(self) -> float:
        """The change in bits per character: 0.01 is one per cent."""
        return self.bits_per_character / self.float_bits_per_character - 1


@dataclass(frozen=True, slots=True)
class Found:
    """Passages of a kind found at the first place, as a share: in float and quantised."""

    kind: str
    float_recall_at_1: float
    recall_at_1: float


@dataclass(frozen=True, slots=True)
class EncoderNpuReport:
    """What quantising an encoder cost, on the CPU and texts not calibrated on.

    `lengths` are in tokens, shortest first. The cosines are between the outputs of the float
    graphs and the quantised ones, for `texts` windows of `text`; `found` is empty unless it embeds.
    """

    activations: str
    lengths: tuple[int, ...]
    calibration_tokens: int
    text: str
    texts: int
    least_cosine: float
    mean_cosine: float
    found: tuple[Found, ...]


def one_report(bundle: Bundle) -> OneReport:
    """What a bundle says of its circle file.

    Raises:
        CorruptBundle: if it is not there or does not hold.
    """
    return _read(bundle, ONE_REPORT, OneReport)


def npu_report(bundle: Bundle) -> NpuReport:
    """What a bundle says of its static graphs.

    Raises:
        CorruptBundle: if it is not there or does not hold.
    """
    return _read(bundle, NPU_REPORT, NpuReport)


def _read(bundle: Bundle, name: str, kind: type[Read]) -> Read:
    bundle.verify([name])
    try:
        return build(kind, load(bundle.read(name), MOST_BYTES), name)
    except ValueError as exc:
        raise CorruptBundle(
            say(
                f"{bundle.name}: {name} cannot be read.",
                f"{bundle.name}: {name}을(를) 읽을 수 없습니다.",
            ),
            str(exc),
            say("Convert the model again.", "모델을 다시 변환하세요."),
        ) from exc
