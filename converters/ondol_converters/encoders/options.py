"""Which options of a conversion mean something for encoders and speech; others are refused."""

from collections.abc import Mapping

from ondol.errors import OptionError
from ondol.language import say
from ondol_converters.recipe import DEFAULT_BLOCK, Options

DRAWN: Mapping[str, str] = {"auto": "auto", "int8": "int8", "float32": "float32"}
"""Weights of graphs that Ondol draws: auto is as the source stores them."""

EXPORTED: Mapping[str, str] = {"auto": "int8", "int8": "int8", "float32": "float32"}
"""Weights of graphs that optimum exports."""


def weights_of(
    options: Options,
    known: Mapping[str, str],
    *,
    whole_vocabulary: bool = False,
    targets: tuple[str, ...] = ("cpu",),
) -> str:
    """The weights that options ask for; `whole_vocabulary` where none can be cut.

    Raises:
        OptionError: if they are none of those known, or something is asked for that only decoders
            have: a method of rounding, a budget, a cache in 8 bits, static graphs.
    """
    asked = [
        *([] if options.weights in known else [f"--weights {options.weights}"]),
        *([] if options.method is None else [f"--method {options.method}"]),
        *([] if options.block == DEFAULT_BLOCK else [f"--block {options.block}"]),
        *([] if options.budget is None else [f"--budget {options.budget:.1%}"]),
        *(
            [f"--vocabulary {options.vocabulary}"]
            if whole_vocabulary and options.vocabulary != "full"
            else []
        ),
        *(["--kv-cache int8"] if options.kv_cache == "int8" else []),
        *([] if options.target in targets else [f"--target {options.target}"]),
    ]
    if not asked:
        return known[options.weights]
    raise OptionError(
        say(
            f"Not for encoders and speech: {', '.join(asked)}.",
            f"인코더와 음성 모델에는 쓸 수 없습니다: {', '.join(asked)}",
        ),
        say(
            f"They are stored as {', '.join(known)}, for the CPU.",
            f"CPU용으로 {', '.join(known)} 가운데 하나로 저장합니다.",
        ),
        "--weights int8",
    )
