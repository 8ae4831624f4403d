"""Task files: what is refused and where, and the sample that came with Ondol."""

import json
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ondol.errors import BadText
from ondol.evaluation.tasks import parse_task, read_task

GOOD = {"id": "1", "kind": "k", "question": "q?", "choices": ["a", "b"], "answer": 1}


def lines(*items: Any) -> bytes:
    return "\n".join(json.dumps(item, ensure_ascii=False) for item in items).encode()


def test_an_item_says_what_it_must() -> None:
    context = unicodedata.normalize("NFD", "지문")
    data = b"\xef\xbb\xbf" + lines(GOOD, GOOD | {"id": "2", "context": context, "fewshot": True})
    task = parse_task("t.jsonl", data + b"\r\n\r\n")
    first, second = task.items
    assert (first.answer, first.choices, first.fewshot) == (1, ("a", "b"), False)
    assert second.context == "지문" and second.fewshot
    assert task.file.size == len(data) + 4


@pytest.mark.parametrize(
    "change",
    [
        {"answer": 2},
        {"answer": -1},
        {"answer": "1"},
        {"answer": True},
        {"answer": 1.0},
        {"choices": ["a"]},
        {"choices": ["a", "a "]},
        {"choices": ["a", " "]},
        {"choices": ["a", 1]},
        {"choices": [str(i) for i in range(27)]},
        {"choices": "ab"},
        {"question": " "},
        {"question": None},
        {"id": ""},
        {"id": 1},
        {"kind": ""},
        {"stranger": 1},
        {"fewshot": 1},
        {"context": None},
        {"question": "\ud800"},
    ],
)
def test_a_bad_item_is_named_by_its_line(change: dict[str, Any]) -> None:
    bad = json.dumps(GOOD | {"id": "2"} | change).encode()
    with pytest.raises(BadText, match="Line 3") as caught:
        parse_task("t.jsonl", lines(GOOD) + b"\n\n" + bad)
    assert "t.jsonl" in caught.value.what and caught.value.fix


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no question"),
        (b"\n \n", "no question"),
        (lines(GOOD | {"fewshot": True}), "no question"),
        (lines(GOOD, GOOD), "comes twice"),
        (b"[1]", "object"),
        (b"{", "JSON"),
        (b"\xff\xfe", "Line 1"),
        (b'{"id": "1", "id": "2"}', "twice"),
        (b"[" * 100_000, "Line 1"),
        (json.dumps(GOOD | {"question": "a" * (1 << 20)}).encode(), "bytes"),
    ],
)
def test_what_is_no_task_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(BadText, match=re.escape("t.jsonl is not a task file")) as caught:
        parse_task("t.jsonl", data)
    assert said in caught.value.why


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_mutated_bytes_give_a_task_or_a_named_error(draw: st.DataObject) -> None:
    raw = bytearray(lines(GOOD, GOOD | {"id": "2"}))
    at = draw.draw(st.integers(0, len(raw) - 1))
    raw[at : at + draw.draw(st.integers(0, 9))] = draw.draw(st.binary(max_size=9))
    try:
        assert parse_task("t", bytes(raw)).items
    except BadText as exc:
        assert exc.what and exc.fix


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadText, match="Cannot read"):
        read_task(str(tmp_path / "absent.jsonl"))
    with pytest.raises(BadText, match="not a file"):
        read_task(str(tmp_path))


def test_our_sample_is_balanced_and_its_own() -> None:
    task = read_task("ondol")
    asked = [item for item in task.items if not item.fewshot]
    shown = [item for item in task.items if item.fewshot]
    kinds = Counter(item.kind for item in asked)
    places = Counter(item.answer for item in asked)
    assert len(asked) >= 100 and len(kinds) >= 8 and min(kinds.values()) >= 10
    assert {item.kind for item in shown} == set(kinds)
    assert max(places.values()) - min(places.values()) <= 1
    assert all(len(item.choices) == 4 for item in task.items)
    questions = Counter((item.question, item.context, item.choices) for item in task.items)
    assert max(questions.values()) == 1
    assert all(unicodedata.is_normalized("NFC", item.question) for item in task.items)


def test_the_longest_choice_gives_nothing_away() -> None:
    asked = [item for item in read_task("ondol").items if not item.fewshot]
    longest = [
        len(item.choices[item.answer])
        > max(len(c) for c in item.choices if c != item.choices[item.answer])
        for item in asked
    ]
    assert sum(longest) / len(asked) < 0.35
