"""What a conversion is told: everything that changes the bytes of a bundle."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from ondol.errors import OptionError
from ondol.language import say

Weights = Literal["auto", "float32", "float16", "bfloat16", "int8", "int4"]
Method = Literal["nearest", "search", "gptq", "awq"]
VocabularyCut = Literal["full", "ko-en", "ko-en-compact"]
Favor = Literal["size", "speed"]
KvCache = Literal["auto", "float32", "int8"]
Target = Literal["cpu", "npu", "one"]
Activations = Literal["a16w8", "a8w8", "float16"]

DEFAULT_CONTEXT = 4096
BLOCKS = (16, 32, 64, 128)
DEFAULT_BLOCK = 32
INTEGERS = ("int8", "int4")
CALIBRATED = ("gptq", "awq")
"""The methods that need to see what a matrix is multiplied with."""
MOST_LOSS = 1.0
COVERAGE = 0.96


@dataclass(frozen=True, slots=True)
class Layout:
    """How one matrix is stored: bits (4, 8, 16 or 32), values to a scale, and method.

    Of 16 bits the method is "float16" or "bfloat16"; 32 are float32. Neither has blocks.
    `method` says how values were put on the grid: "exact" moves the source's own integers,
    the others round (see ondol_converters.quantise).
    """

    bits: int
    block: int
    method: str = "nearest"


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of a conversion.

    `weights` is "auto" (each matrix as its source stores it where a kernel can hold that, else
    8 bits in blocks of 32), "int8" or "int4" (every matrix in that many bits), or "float32"
    (dequantised; the yardstick of quality). "float16" and "bfloat16" halve its file, not its
    memory: on the CPU they become float32 when the bundle is opened.
    `context` is the longest context in tokens that the bundle can be opened with; it is cut to
    what the model was trained for.
    `vocabulary` is "full", "ko-en" or "ko-en-compact"; `hanja` keeps Chinese characters too.
    `coverage` is the share of a text's tokens that "ko-en-compact" shall keep whole.
    `method` and `block` say how "int8" and "int4" round what they cannot hold exactly; None is
    "nearest" for 8 bits, "gptq" for 4. `layouts` overrules them for matrices by our names
    ("layers.0.qkv", "embedding").
    `budget` is the loss in bits per character, relative to the dequantised source, that may be
    spent (0.01 is one per cent), or None for none; `favor` says what to spend it on.
    `kv_cache` is what keys and values are held in: "int8" is a quarter of the memory and needs
    onnxruntime 1.27; "auto" is "int8" under a budget, which counts what it loses, else "float32".
    `target` is what the bundle is for (see ondol_converters.targets); "npu" adds static graphs
    whose `activations` are in 16 or 8 bits and weights in 8, or both in float16, None for the
    target's default; "one" a circle file for Samsung's onert.
    `calibration` are text files to calibrate, tune and learn a vocabulary with; when there are
    none, Ondol's own texts are used.
    `quality` measures the bundle beside its source in float32 and puts the report into it; with a
    budget that is done without being asked for.
    """

    weights: Weights = "auto"
    context: int = DEFAULT_CONTEXT
    vocabulary: VocabularyCut = "full"
    hanja: bool = False
    coverage: float = COVERAGE
    method: Method | None = None
    block: int = DEFAULT_BLOCK
    budget: float | None = None
    favor: Favor = "size"
    kv_cache: KvCache = "auto"
    target: Target = "cpu"
    activations: Activations | None = None
    calibration: tuple[Path, ...] = ()
    layouts: Mapping[str, Layout] = field(default_factory=dict)
    quality: bool = False

    @property
    def rounding(self) -> Method:
        """The method by which "int8" and "int4" round."""
        return self.method or ("gptq" if self.weights == "int4" else "nearest")

    @property
    def int8_cache(self) -> bool:
        """Whether keys and values are held in 8 bits."""
        wanted = self.kv_cache == "auto" and self.budget is not None
        return wanted or self.kv_cache == "int8"

    @property
    def calibrates(self) -> bool:
        """Whether a text is run through the model."""
        return self.int8_cache or self.budget is not None or self.rounds_by_text

    @property
    def rounds_by_text(self) -> bool:
        """Whether matrices are rounded by what a text shows of their inputs."""
        methods = [layout.method for layout in self.layouts.values()]
        if self.weights in INTEGERS:
            methods.append(self.rounding)
        return any(method in CALIBRATED for method in methods)

    def __post_init__(self) -> None:
        _known("weights", self.weights, get_args(Weights))
        _known("vocabulary", self.vocabulary, get_args(VocabularyCut))
        if self.method is not None:
            _known("method", self.method, get_args(Method))
        _known("favor", self.favor, get_args(Favor))
        _known("kv_cache", self.kv_cache, get_args(KvCache))
        _known("block", self.block, BLOCKS)
        _known("target", self.target, get_args(Target))
        if self.activations is not None:
            _known("activations", self.activations, get_args(Activations))
            if self.target != "npu":
                raise OptionError(
                    say(
                        f"Activations are not quantised for the target {self.target}.",
                        f"{self.target} 대상에서는 활성값을 미리 양자화하지 않습니다.",
                    ),
                    say(
                        "Its kernels round them while they run.", "실행하면서 커널이 반올림합니다."
                    ),
                    say("Leave out --activations.", "--activations를 빼세요."),
                )
        if not 16 <= self.context <= 1 << 20:
            raise OptionError(
                say(
                    f"A context of {self.context} cannot be meant.",
                    f"문맥 길이 {self.context}은(는) 쓸 수 없습니다.",
                ),
                "",
                say("Choose 16 tokens or more.", "16토큰 이상으로 고르세요."),
            )
        if not 0 < self.coverage <= 1:
            raise OptionError(
                say(
                    f"A coverage of {self.coverage:.1%} cannot be meant.",
                    f"어휘 적용률 {self.coverage:.1%}은(는) 쓸 수 없습니다.",
                ),
                say(
                    "It is the share of a text's tokens that stay whole.",
                    "글의 토큰 가운데 그대로 남는 비율입니다.",
                ),
                "--coverage 99%",
            )
        if self.budget is not None and not 0 <= self.budget <= MOST_LOSS:
            raise OptionError(
                say(
                    f"A budget of {self.budget:.1%} cannot be meant.",
                    f"품질 예산 {self.budget:.1%}은(는) 쓸 수 없습니다.",
                ),
                say("It is the share that may be lost.", "잃어도 되는 비율입니다."),
                "--budget 1%",
            )
        if self.budget is not None and self.weights != "auto":
            raise OptionError(
                say(
                    f"A budget cannot be spent on {self.weights} weights.",
                    f"{self.weights} 가중치에는 예산을 쓸 수 없습니다.",
                ),
                say("It chooses the bits itself.", "비트 수는 예산이 정합니다."),
                say("Leave out --weights.", "--weights를 빼세요."),
            )
        if self.method is not None and self.weights not in INTEGERS:
            raise OptionError(
                say(
                    f"The method {self.method} rounds to int8 or int4, and neither was chosen.",
                    f"{self.method} 방식은 int8이나 int4로 반올림할 때 쓰는데, 둘 다 고르지 "
                    "않았습니다.",
                ),
                say(f"The weights are {self.weights}.", f"가중치가 {self.weights}입니다."),
                f"--weights int4 --method {self.method}",
            )
        if self.block != DEFAULT_BLOCK and self.weights not in INTEGERS:
            raise OptionError(
                say(
                    f"Blocks of {self.block} are for int8 or int4, and neither was chosen.",
                    f"{self.block}개 묶음은 int8이나 int4에 쓰는데, 둘 다 고르지 않았습니다.",
                ),
                say(f"The weights are {self.weights}.", f"가중치가 {self.weights}입니다."),
                f"--weights int4 --block {self.block}",
            )
        if self.favor != "size" and self.budget is None:
            raise OptionError(
                say(
                    f"To favor {self.favor} needs a budget.",
                    f"{self.favor}을(를) 먼저 얻으려면 예산이 있어야 합니다.",
                ),
                say("There is nothing to spend.", "쓸 수 있는 것이 없습니다."),
                f"--budget 1% --favor {self.favor}",
            )


def _known(name: str, value: object, values: tuple[object, ...]) -> None:
    if value not in values:
        raise OptionError(
            say(f"No such {name}: {value!r}.", f"{name}에 쓸 수 없는 값입니다: {value!r}"),
            say(
                f"Known: {', '.join(map(str, values))}.",
                f"아는 값: {', '.join(map(str, values))}",
            ),
        )
