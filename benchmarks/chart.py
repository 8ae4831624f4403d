"""The comparison as a picture: ratios to llama.cpp, with the target as a line."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from peer import Comparison

BARS = (
    ("decode", "decode\n(higher is better)"),
    ("prefill", "prefill\n(higher is better)"),
    ("first_token", "first token\n(lower is better)"),
    ("peak_rss", "peak memory\n(lower is better)"),
)


def draw(comparisons: "Sequence[Comparison]", path: Path) -> None:
    """Write a PNG with a row of bars for each model."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    from peer import TARGETS

    figure, axes = pyplot.subplots(1, len(comparisons), figsize=(6.4 * len(comparisons), 4.4))
    for axis, one in zip([axes] if len(comparisons) == 1 else axes, comparisons, strict=True):
        goal = TARGETS[one.model]
        for at, (field, _) in enumerate(BARS):
            ratio, wanted = one.ratios[field], getattr(goal, field)
            higher = field in ("decode", "prefill")
            met = math.isnan(wanted) or (ratio >= wanted if higher else ratio <= wanted)
            colour = "#8a8f94" if math.isnan(wanted) else "#2f6f5e" if met else "#b4552d"
            axis.bar(at, ratio, color=colour, width=0.6)
            axis.annotate(f"{ratio:.2f}×", (at, ratio), ha="center", va="bottom")
            if not math.isnan(wanted):
                axis.plot([at - 0.38, at + 0.38], [wanted, wanted], color="black", linewidth=1.5)
        axis.axhline(1.0, color="grey", linestyle=":", linewidth=1)
        axis.set_xticks(range(len(BARS)), [label for _, label in BARS], fontsize=8)
        axis.set_ylabel("Ondol / llama.cpp")
        bits = one.bits_per_character
        quality = f", {bits['ondol'] / bits['dequantised'] - 1:+.2%} bits/char" if bits else ""
        axis.set_title(
            f"{one.model}{quality}\nconverted in {one.conversion.seconds:.0f} s with "
            f"{one.conversion.peak_rss / 1e6:.0f} MB peak",
            fontsize=9,
        )
    figure.suptitle(
        "Black line: target. Green: met, red: missed, grey: no target.",
        fontsize=9,
    )
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
