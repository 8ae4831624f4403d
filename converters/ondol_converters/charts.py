"""Charts as inline SVG: bars of one figure each, and one figure against another."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

COLOURS = ("#2f6f5e", "#b4552d", "#3b6ea8", "#8a6d1f", "#7a4a86", "#4a7d2c", "#a8435f", "#55606a")
"""Of models in their order; from the ninth on they begin again."""

WIDTH = 860
LABEL = 300
ROW = 24
MOST_BARS = 60
SCATTER = (860, 420)
MARGIN = (70, 20, 20, 50)


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure with its name; `shown` is the figure as people read it."""

    name: str
    value: float
    shown: str
    colour: str


@dataclass(frozen=True, slots=True)
class Point:
    """A bundle in a scatter plot; a small one has its name only as a tooltip."""

    name: str
    x: float
    y: float
    colour: str
    small: bool = False


@dataclass(frozen=True, slots=True)
class Level:
    """A line across a scatter plot at a height, with its name; both are drawn dashed."""

    name: str
    y: float
    colour: str


def bars(rows: Sequence[Bar]) -> str:
    """Horizontal bars from zero, largest first; at most 60."""
    chosen = sorted(rows, key=lambda bar: -bar.value)[:MOST_BARS]
    most = max((bar.value for bar in chosen), default=0) or 1
    room = WIDTH - LABEL - 110
    parts = []
    for at, bar in enumerate(chosen):
        y, width = at * ROW, max(1.0, room * bar.value / most)
        parts.append(
            f'<text x="{LABEL - 10}" y="{y + 16}" text-anchor="end">{escape(_short(bar.name))}'
            f"<title>{escape(bar.name)}</title></text>"
            f'<rect x="{LABEL}" y="{y + 4}" width="{width:.1f}" height="{ROW - 8}" rx="2" '
            f'fill="{bar.colour}"/>'
            f'<text class="figure" x="{LABEL + width + 6:.1f}" y="{y + 16}">'
            f"{escape(bar.shown)}</text>"
        )
    return _svg(WIDTH, len(chosen) * ROW + 4, parts)


def scatter(
    points: Sequence[Point], x_title: str, y_title: str, levels: Sequence[Level] = ()
) -> str:
    """Points on linear axes, named; titles are markup of our own."""
    left, right, top, bottom = MARGIN
    width, height = SCATTER
    x_ticks = _ticks([point.x for point in points])
    y_ticks = _ticks([*(point.y for point in points), *(level.y for level in levels)])

    def across(x: float) -> float:
        span = x_ticks[-1] - x_ticks[0]
        return left + (x - x_ticks[0]) / span * (width - left - right)

    def up(y: float) -> float:
        span = y_ticks[-1] - y_ticks[0]
        return height - bottom - (y - y_ticks[0]) / span * (height - top - bottom)

    parts = [
        f'<line class="grid" x1="{across(t):.1f}" x2="{across(t):.1f}" y1="{top}" '
        f'y2="{height - bottom}"/><text x="{across(t):.1f}" y="{height - bottom + 18}" '
        f'text-anchor="middle">{t:g}</text>'
        for t in x_ticks
    ]
    parts += [
        f'<line class="grid" x1="{left}" x2="{width - right}" y1="{up(t):.1f}" y2="{up(t):.1f}"/>'
        f'<text x="{left - 8}" y="{up(t) + 4:.1f}" text-anchor="end">{t:g}</text>'
        for t in y_ticks
    ]
    for level in levels:
        y = up(level.y)
        parts.append(
            f'<line x1="{left}" x2="{width - right}" y1="{y:.1f}" y2="{y:.1f}" '
            f'stroke="{level.colour}" stroke-dasharray="5 4"/>'
            f'<text x="{left + 6}" y="{y - 5:.1f}" fill="{level.colour}">'
            f"{escape(level.name)}</text>"
        )
    for point in sorted(points, key=lambda point: not point.small):
        x, y = across(point.x), up(point.y)
        side = "end" if x > width * 0.7 else "start"
        away = -9 if side == "end" else 9
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{3 if point.small else 5}" '
            f'fill="{point.colour}">'
            f"<title>{escape(point.name)}: {point.x:g}, {point.y:g}</title></circle>"
        )
        if point.small:
            continue
        parts.append(
            f'<text x="{x + away:.1f}" y="{y - 8:.1f}" text-anchor="{side}">'
            f"{escape(_short(point.name))}</text>"
        )
    parts.append(
        f'<text class="axis" x="{(left + width - right) / 2}" y="{height - 8}" '
        f'text-anchor="middle">{x_title}</text>'
        f'<text class="axis" transform="translate(16 {(top + height - bottom) / 2}) rotate(-90)" '
        f'text-anchor="middle">{y_title}</text>'
    )
    return _svg(width, height, parts)


def _ticks(values: Sequence[float]) -> list[float]:
    """Round numbers around the values: at least two, about six."""
    low, high = min(values), max(values)
    span = (high - low) or abs(high) or 1.0
    rough = span / 5
    scale = 10.0 ** _floor_log10(rough)
    step = next(m * scale for m in (1, 2, 5, 10) if m * scale >= rough)
    first = int(low / step // 1)
    last = int(-(-high / step // 1))
    return [round(n * step, 10) for n in range(first, max(last, first + 1) + 1)]


def _floor_log10(value: float) -> int:
    return int(f"{value:e}".partition("e")[2])


def _short(name: str) -> str:
    return name if len(name) <= 42 else f"{name[:41]}…"


def _svg(width: int, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )
