"""A budget's search as a picture: size and speed against bits per character."""

from collections.abc import Callable, Iterator
from html import escape

from ondol.language import say
from ondol_converters.budget.report import BudgetReport
from ondol_converters.charts import SCATTER, Level, Point, scatter

CHOSEN, MADE, PREDICTED, LIMIT = "#b4552d", "#2f6f5e", "#b9c4be", "#8a6d1f"
TITLE = 34
FAR = 2
"""Times the largest loss made or allowed: beyond it nothing is drawn."""

STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}"
    ".grid{stroke:#e4e4e0}.axis{font-weight:600}.title{font-size:16px;font-weight:600}"
)

Figure = Callable[[int, float], float]
"""From bytes and tokens a second to what is drawn across."""


def chart(report: BudgetReport, name: str) -> str:
    """An SVG of its own: every trial and prediction by size and by speed, the chosen one marked."""
    width, height = SCATTER
    levels = (
        Level(say("source", "원본"), report.source_bits_per_character, MADE),
        Level(
            say(f"budget {report.budget:.2%}", f"예산 {report.budget:.2%}"),
            _bits(report, report.budget),
            LIMIT,
        ),
    )
    axes: tuple[tuple[str, Figure], ...] = (
        (say("size in MB", "크기(MB)"), lambda size, _: size / 1e6),
        (say("tokens a second", "초당 토큰"), lambda _, rate: rate),
    )
    above = say("bits per character", "글자당 비트")
    parts = [
        f'<g transform="translate(0 {TITLE + at * height})">'
        f"{_sized(scatter(list(_points(report, across)), title, above, levels))}</g>"
        for at, (title, across) in enumerate(axes)
    ]
    titled = say(f"{name}: what was tried", f"{name}: 시도한 것")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {TITLE + 2 * height}">'
        f"<style>{STYLE}</style>"
        f'<rect width="100%" height="100%" fill="#fff"/>'
        f'<text class="title" x="12" y="23">{escape(titled)}</text>{"".join(parts)}</svg>\n'
    )


def _points(report: BudgetReport, across: Figure) -> Iterator[Point]:
    most = FAR * max(report.budget, *(trial.loss for trial in report.trials))
    for at in report.predicted:
        if at.loss > most:
            continue  # would press all that matters into a corner
        x = across(at.bytes, at.decode_rate)
        name = say("predicted", "예측")
        yield Point(name, round(x, 4), round(_bits(report, at.loss), 4), PREDICTED, small=True)
    for number, trial in enumerate(report.trials):
        chosen = number == report.chosen
        word = say("chosen", "고른 것") if chosen else str(number + 1)
        x = across(trial.bytes, trial.decode_rate)
        named = f"{word} ({trial.loss:+.2%})"
        colour = CHOSEN if chosen else MADE
        yield Point(named, round(x, 4), round(trial.bits_per_character, 4), colour)


def _bits(report: BudgetReport, loss: float) -> float:
    return report.source_bits_per_character * (1 + loss)


def _sized(svg: str) -> str:
    """A chart with its own size, as one inside another needs."""
    width, height = SCATTER
    return svg.replace("<svg ", f'<svg width="{width}" height="{height}" ', 1)
