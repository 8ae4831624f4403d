"""A roofline chart of simulated products (Williams, Waterman, Patterson, CACM 52(4), 2009).

Its text is English whatever the language of messages: no Korean font is certain to be there.
"""

import io
from collections.abc import Sequence
from pathlib import Path

from ondol.errors import MissingExtra, OptionError
from ondol.files import write_whole
from ondol.language import say
from ondol_runtimes.aim.cycles import cycles
from ondol_runtimes.aim.geometry import (
    SOURCE,
    TIMING,
    inside_bytes_per_second,
    outside_bytes_per_second,
    peak_flops,
)
from ondol_runtimes.aim.mapping import Gemv

FORMATS = (".png", ".svg")
INTENSITIES = (1 / 16, 16.0)


def check_chart(path: Path) -> None:
    """Raise OptionError for a name whose ending is no format of a chart."""
    if path.suffix.lower() not in FORMATS:
        raise OptionError(
            say(f"{path.name} is no chart's name.", f"{path.name}은(는) 차트 이름이 아닙니다."),
            say(f"It ends in {' or '.join(FORMATS)}.", f"{', '.join(FORMATS)}로 끝나야 합니다."),
            "--chart roofline.png",
        )


def draw(path: Path, title: str, shapes: Sequence[tuple[int, int]], channels: int) -> None:
    """Write the roofs of the memory and of its bus, and where products of those shapes lie.

    Args:
        path: a file that ends in .png or .svg, replaced whole.
        title: what is simulated; an English name.
        shapes: rows and columns of the matrices.
        channels: of the memory.

    Raises:
        OptionError: if the name has another ending.
        MissingExtra: if matplotlib is not installed.
        StorageError: if the file cannot be written.
    """
    check_chart(path)
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as exc:
        raise MissingExtra(
            say("Charts need matplotlib.", "차트를 그리려면 matplotlib이 필요합니다."),
            say(f"The package {exc.name} is missing.", f"{exc.name} 패키지가 없습니다."),
            'pip install "ondol[chart]"',
        ) from exc
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for name, bandwidth, style in (
        ("inside the memory", inside_bytes_per_second(channels), "-"),
        ("over its bus", outside_bytes_per_second(channels), "--"),
    ):
        peak = peak_flops(channels)
        corner = peak / bandwidth
        at = sorted({*INTENSITIES, min(max(corner, INTENSITIES[0]), INTENSITIES[1])})
        heights = [min(peak, x * bandwidth) / 1e9 for x in at]
        axes.plot(at, heights, style, label=f"roof {name}, {bandwidth / 1e9:,.0f} GB/s (simulated)")
    for rows, columns in sorted(set(shapes), reverse=True):
        gemv = Gemv(rows, columns, channels)
        rate = 2 * gemv.macs / (cycles(gemv) * TIMING.cycle_ps * 1e-12)
        label = f"{rows} x {columns}, {rate / 1e9:,.0f} GFLOP/s (simulated)"
        axes.plot([2 * gemv.macs / gemv.inside_bytes], [rate / 1e9], "o", label=label)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="operations per byte of BF16 weights",
        ylabel="GFLOP/s",
        title=f"{title}: {channels} channels of GDDR6-AiM, simulated\n{SOURCE}; no refresh",
    )
    axes.title.set_fontsize(10)
    axes.title.set_parse_math(False)
    axes.legend(fontsize=7, loc="lower right")
    axes.grid(visible=True, which="both", alpha=0.2)
    made = io.BytesIO()
    figure.savefig(made, format=path.suffix[1:].lower(), dpi=150)
    write_whole(path, made.getvalue())
