"""The report of a sweep: one HTML file with everything in it, in Korean and English."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from ondol import __version__
from ondol.language import korean
from ondol_converters.charts import COLOURS, MOST_BARS, Bar, Point, bars, scatter
from ondol_converters.sweep.job import Record

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: its heads, a record's cell as text, and what it is sorted by."""

    english: str
    korean: str
    shown: Callable[[Record], str]
    value: Callable[[Record], float | str | None]
    word: bool = False


def page(records: Sequence[Record], jobs: int) -> str:
    """The report as HTML. Nothing in it is fetched from anywhere.

    Args:
        jobs: how many there are in all; those without a record were never run.
    """
    done = [record for record in records if record.state == "done"]
    bad = [record for record in records if record.state == "failed"]
    colours = _colours(done)
    parts = [_tiles(records, jobs)]
    if done:
        parts += _charts(done, colours)
    parts.append(_table(records))
    if bad:
        parts.append(_failures(bad))
    title = _both("Ondol sweep", "온돌 스윕")
    return (
        f'<!doctype html>\n<html lang="{"ko" if korean() else "en"}">\n<head>\n'
        f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Ondol sweep · 온돌 스윕</title>\n<style>\n{_asset('report.css')}</style>\n"
        f"</head>\n<body>\n<main>\n<header><h1>{title}</h1>"
        f'<button class="lang" type="button">{_both("한국어", "English")}</button></header>\n'
        f'<p class="soft">ondol {escape(__version__)}</p>\n'
        + "\n".join(parts)
        + f"\n</main>\n<script>\n{_asset('report.js')}</script>\n</body>\n</html>\n"
    )


def _asset(name: str) -> str:
    return (files("ondol_converters.sweep") / name).read_text("utf-8")


def _both(english: str, korean_text: str) -> str:
    """A label in both languages, of which the page shows one."""
    return f'<span class="en">{english}</span><span class="ko">{korean_text}</span>'


def _both_svg(english: str, korean_text: str) -> str:
    return f'<tspan class="en">{english}</tspan><tspan class="ko">{korean_text}</tspan>'


def _section(title: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}</section>"


def _colours(records: Sequence[Record]) -> dict[str, str]:
    models = list(dict.fromkeys(record.model for record in records))
    return {model: COLOURS[at % len(COLOURS)] for at, model in enumerate(models)}


def _tiles(records: Sequence[Record], jobs: int) -> str:
    done = sum(record.state == "done" for record in records)
    bad = len(records) - done
    tiles = [
        (f"{done}", "good", "done", "완료"),
        (f"{bad}", "bad" if bad else "", "failed", "실패"),
        (f"{jobs - len(records)}", "", "not run", "실행 안 함"),
        (_megabytes(sum(record.size_bytes for record in records)), "", "bundles", "번들 크기"),
        (_seconds(sum(record.seconds for record in records)), "", "of work", "작업 시간"),
    ]
    return (
        '<section class="tiles">'
        + "".join(f'<div><b class="{c}">{n}</b>{_both(en, ko)}</div>' for n, c, en, ko in tiles)
        + "</section>"
    )


def _charts(done: Sequence[Record], colours: dict[str, str]) -> list[str]:
    keys = "".join(
        f'<span><i class="key" style="background:{colour}"></i>{escape(model)}</span>'
        for model, colour in colours.items()
    )
    keys = f'<div class="keys">{keys}</div>'
    made = []
    points = [
        Point(r.key, r.size_bytes / 1e6, r.bits_per_character["ko"], colours[r.model])
        for r in done
        if r.bits_per_character and "ko" in r.bits_per_character
    ]
    if points:
        plot = scatter(
            points,
            _both_svg("bundle, MB", "번들 크기(MB)"),
            _both_svg("bits per character, Korean", "글자당 비트(한국어)"),
        )
        title = _both(
            "Size against quality (both: less is better)", "크기와 품질(둘 다 낮을수록 좋음)"
        )
        made.append(_section(title, keys + plot))
    for title, rows in (
        (
            _both("Bundle size", "번들 크기"),
            [Bar(r.key, r.size_bytes, _megabytes(r.size_bytes), colours[r.model]) for r in done],
        ),
        (
            _both("Time to convert", "변환 시간"),
            [Bar(r.key, r.seconds, _seconds(r.seconds), colours[r.model]) for r in done],
        ),
        (
            _both("Peak memory", "최대 메모리"),
            [Bar(r.key, r.peak_bytes, _megabytes(r.peak_bytes), colours[r.model]) for r in done],
        ),
    ):
        if len(rows) > MOST_BARS:
            note = _both(f"The largest {MOST_BARS}.", f"가장 큰 {MOST_BARS}개.")
            title += f" · {note}"
        made.append(_section(title, keys + bars(rows)))
    return made


def _language(code: str) -> Callable[[Record], float | None]:
    return lambda record: (record.bits_per_character or {}).get(code)


COLUMNS = (
    _Column("model", "모델", lambda r: r.model, lambda r: r.model, word=True),
    _Column("recipe", "레시피", lambda r: r.recipe, lambda r: r.recipe, word=True),
    _Column("target", "대상", lambda r: r.target, lambda r: r.target, word=True),
    _Column("state", "상태", lambda r: r.state, lambda r: r.state, word=True),
    _Column(
        "bundle",
        "번들",
        lambda r: _megabytes(r.size_bytes) if r.size_bytes else "",
        lambda r: r.size_bytes or None,
    ),
    _Column(
        "÷ source",
        "÷ 원본",
        lambda r: f"{r.size_bytes / r.source_bytes:.2f}" if r.source_bytes else "",
        lambda r: r.size_bytes / r.source_bytes if r.source_bytes else None,
    ),
    _Column(
        "bits/weight",
        "가중치당 비트",
        lambda r: f"{r.bits_per_weight:.2f}" if r.bits_per_weight else "",
        lambda r: r.bits_per_weight or None,
    ),
    _Column(
        "bits/char ko",
        "글자당 비트(한)",
        lambda r: _number(_language("ko")(r)),
        _language("ko"),
    ),
    _Column(
        "bits/char en",
        "글자당 비트(영)",
        lambda r: _number(_language("en")(r)),
        _language("en"),
    ),
    _Column("time", "시간", lambda r: _seconds(r.seconds), lambda r: r.seconds),
    _Column(
        "memory",
        "메모리",
        lambda r: _megabytes(r.peak_bytes) if r.peak_bytes else "",
        lambda r: r.peak_bytes or None,
    ),
    _Column("where", "실행한 곳", lambda r: r.host, lambda r: r.host, word=True),
)


def _table(records: Sequence[Record]) -> str:
    columns = [c for c in COLUMNS if any(c.value(record) is not None for record in records)]
    heads = "".join(
        f'<th class="{"word" if column.word else ""}" scope="col"><button type="button">'
        f"{_both(escape(column.english), escape(column.korean))}</button></th>"
        for column in columns
    )
    rows = "".join(f"<tr>{''.join(_cell(r, c) for c in columns)}</tr>" for r in records)
    title = _both("Every job (click a head to sort)", "모든 작업(머리글을 누르면 정렬)")
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return _section(title, table)


def _cell(record: Record, column: _Column) -> str:
    value = column.value(record)
    known = "" if value is None else escape(str(value), quote=True)
    shown = escape(column.shown(record))
    if column.english == "state":
        good = record.state == "done"
        text = _both("done", "완료") if good else _both("failed", "실패")
        shown = f'<span class="{"good" if good else "bad"}">{text}</span>'
    return f'<td class="{"word" if column.word else ""}" data-value="{known}">{shown}</td>'


def _failures(bad: Sequence[Record]) -> str:
    items = []
    for record in bad:
        fault = record.error
        if fault is None:
            continue
        lines = "".join(f"<dd>{escape(line)}</dd>" for line in (fault.what, fault.why) if line)
        fix = f"<dd><code>{escape(fault.fix)}</code></dd>" if fault.fix else ""
        items.append(
            f'<dl><dt class="bad">{escape(record.key)} · {escape(fault.kind)}</dt>{lines}{fix}</dl>'
        )
    return _section(_both("What failed", "실패한 작업"), "".join(items))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _megabytes(size: int) -> str:
    if size < 1e6:
        return f"{size / 1e3:,.1f} kB"
    return f"{size / 1e6:,.1f} MB" if size < 1e8 else f"{size / 1e6:,.0f} MB"


def _seconds(seconds: float) -> str:
    if seconds >= 3600:
        return f"{int(seconds // 3600)}:{int(seconds % 3600 // 60):02}:{int(seconds % 60):02}"
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)}:{int(seconds % 60):02}"
