"""The report of a sweep: whole in itself, in two languages, and nothing in it is obeyed."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from ondol_converters.charts import MOST_BARS, Bar, Point, bars, scatter
from ondol_converters.sweep.job import Fault, Record
from ondol_converters.sweep.report import page

DONE = Record(
    "qwen+small+cpu",
    "qwen",
    "small",
    "cpu",
    "done",
    seconds=75,
    peak_bytes=300_000_000,
    source_bytes=500_000_000,
    size_bytes=250_000_000,
    parameters=494_000_000,
    bits_per_weight=4.05,
    host="한글",
)
FAILED = Record(
    "b+small+cpu", "b", "small", "cpu", "failed", error=Fault("K", "What.", "Why.", "fix")
)
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


class Page(HTMLParser):
    """Every tag with its attributes, and the text of cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def count(self, name: str) -> int:
        return sum(tag == name for tag, _ in self.tags)


def test_the_page_is_whole_in_itself() -> None:
    text = page([DONE, FAILED], 3)
    seen = Page(text)
    names = {name for _, attributes in seen.tags for name in attributes}
    assert names & {"src", "href", "action", "srcset", "data", "onclick"} == set()
    assert "url(" not in text and "@import" not in text and "fetch(" not in text
    assert set(re.findall(r"https?://[^\"' ]+", text)) == {"http://www.w3.org/2000/svg"}
    policy = [a["content"] for tag, a in seen.tags if a.get("http-equiv")]
    assert policy and "default-src 'none'" in str(policy[0])


def test_every_label_is_in_both_languages() -> None:
    seen = Page(page([DONE, FAILED], 3))
    spans = [a.get("class") for tag, a in seen.tags if tag in ("span", "tspan")]
    assert spans.count("en") == spans.count("ko") > 20


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_it_opens_in_the_makers_language(lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDOL_LANG", lang)
    assert f'<html lang="{lang}">' in page([DONE], 1)


def test_nothing_a_name_or_an_error_says_is_obeyed() -> None:
    plain = Page(page([DONE, FAILED], 2))
    bad = replace(FAILED, model=EVIL, key=EVIL, error=Fault(EVIL, EVIL, EVIL, EVIL))
    good = replace(DONE, model=EVIL, key=EVIL, host=EVIL, recipe=EVIL)
    seen = Page(page([good, bad], 2))
    assert [tag for tag, _ in seen.tags] == [tag for tag, _ in plain.tags]
    assert "alert(1)</script>" not in page([good, bad], 2)


def test_what_failed_is_said_in_full() -> None:
    text = page([DONE, FAILED], 3)
    for words in ("What.", "Why.", "<code>fix</code>", "b+small+cpu"):
        assert words in text
    assert "What failed" not in page([DONE], 1)


def test_figures_are_there_to_read_and_to_sort_by() -> None:
    text = page([DONE], 1)
    for shown, value in (
        ("250 MB", "250000000"),
        ("0.50", "0.5"),
        ("1:15", "75"),
        ("4.05", "4.05"),
    ):
        assert f'data-value="{value}">{shown}<' in text
    assert "한글" in text


def test_quality_has_a_chart_and_columns_where_it_was_measured() -> None:
    measured = replace(DONE, bits_per_character={"ko": 2.25, "en": 1.5})
    text = page([measured, replace(measured, key="other", bits_per_character={"ko": 2.5})], 2)
    assert "bits/char ko" in text and 'data-value="2.25">2.250<' in text
    assert "Size against quality" in text
    assert "bits/char" not in page([DONE], 1) and "Size against quality" not in page([DONE], 1)


def test_a_sweep_of_which_nothing_ran_has_a_report() -> None:
    assert "<svg" not in page([], 4) and Page(page([], 4)).count("table") == 1


def lengths(svg: str) -> list[float]:
    root = ElementTree.fromstring(svg)
    return [float(each.attrib["width"]) for each in root.iter("{http://www.w3.org/2000/svg}rect")]


def test_bars_are_as_long_as_their_figures() -> None:
    drawn = lengths(bars([Bar("a", 1, "1", "#000"), Bar("b & <c>", 4, "4", "#000")]))
    assert drawn == sorted(drawn, reverse=True) and drawn[0] == pytest.approx(4 * drawn[1], abs=0.5)
    assert len(lengths(bars([Bar("a", n, "", "#000") for n in range(MOST_BARS + 9)]))) == MOST_BARS
    assert lengths(bars([Bar("a", 0, "", "#000")])) == [1.0]


@pytest.mark.parametrize(
    "points", [[(250.0, 2.25)], [(1.0, 2.0), (300.0, 2.9)], [(0.1, 0.0), (0.1, 0.0)]]
)
def test_points_are_inside_their_axes(points: list[tuple[float, float]]) -> None:
    drawn = scatter([Point("p", x, y, "#000") for x, y in points], "x", "y")
    root = ElementTree.fromstring(drawn)
    circles = list(root.iter("{http://www.w3.org/2000/svg}circle"))
    assert len(circles) == len(points)
    for circle in circles:
        assert 70 <= float(circle.attrib["cx"]) <= 840 and 20 <= float(circle.attrib["cy"]) <= 370


def test_less_is_left_and_down() -> None:
    drawn = scatter([Point("a", 1, 2, "#000"), Point("b", 5, 3, "#000")], "x", "y")
    a, b = ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}circle")
    assert float(a.attrib["cx"]) < float(b.attrib["cx"])
    assert float(a.attrib["cy"]) > float(b.attrib["cy"])
