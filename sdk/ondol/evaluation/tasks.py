"""Multiple-choice task files: JSON objects, one a line. See ../texts/tasks/README.md.

    {"id": "ko-1", "kind": "속담", "question": "…", "choices": ["…", "…"], "answer": 0}

`answer` counts from 0. `context` is a passage to read first; an item with `"fewshot": true` is
shown as a solved example and never asked.
"""

import hashlib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from ondol.errors import BadText
from ondol.evaluation.text import OWN, read_bytes
from ondol.language import say
from ondol.manifest import Origin
from ondol.strict import build, load

OWN_TASK = "ondol"
"""What `--task` calls the sample that came with Ondol."""

SAMPLE = "ko_sample.jsonl"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_LINE = 1 << 20
MOST_ITEMS = 1 << 18
OPTIONAL: dict[str, Any] = {"context": "", "fewshot": False}


@dataclass(frozen=True, slots=True)
class Item:
    """A question, two to twenty-six choices, and the place of the right one, from 0."""

    id: str
    kind: str
    question: str
    choices: tuple[str, ...]
    answer: int
    context: str
    fewshot: bool


@dataclass(frozen=True, slots=True)
class Task:
    """The items of a file, and the file by name, bytes and SHA-256."""

    file: Origin
    items: tuple[Item, ...]


def read_task(path: str) -> Task:
    """A task from a file, or Ondol's own sample by the name `ondol`.

    Raises:
        BadText: if it cannot be read, or a line is no item; the line is named.
    """
    if path == OWN_TASK:
        return parse_task(OWN + SAMPLE, (files("ondol") / "texts/tasks" / SAMPLE).read_bytes())
    return parse_task(Path(path).name, read_bytes(Path(path)))


def parse_task(name: str, data: bytes) -> Task:
    """A task from the bytes of its file.

    Raises:
        BadText: naming the first line that is no item.
    """
    seen: set[str] = set()
    items: list[Item] = []
    for number, line in _lines(name, data):
        try:
            item = _item(line)
            if item.id in seen:
                raise ValueError(f"id: {item.id!r:.80} comes twice")
        except ValueError as exc:
            raise _bad(name, say(f"Line {number}: {exc}", f"{number}번째 줄: {exc}")) from exc
        seen.add(item.id)
        items.append(item)
        if len(items) > MOST_ITEMS:
            raise _bad(name, f"> {MOST_ITEMS}")
    if not any(not item.fewshot for item in items):
        raise _bad(name, say("It asks no question.", "물어볼 문항이 없습니다."))
    return Task(Origin(name, len(data), hashlib.sha256(data).hexdigest()), tuple(items))


def _lines(name: str, data: bytes) -> Iterator[tuple[int, bytes]]:
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, line


def _item(line: bytes) -> Item:
    data = load(line, MOST_LINE)
    if not isinstance(data, dict):
        raise ValueError("object expected")
    item = build(Item, _composed(OPTIONAL | data), "item")
    if not (item.id and item.question.strip() and item.kind):
        raise ValueError("id, kind, question: empty")
    if not 2 <= len(item.choices) <= len(LETTERS):
        raise ValueError(f"choices: {len(item.choices)}, not 2 to {len(LETTERS)}")
    if len({choice.strip() for choice in item.choices} - {""}) != len(item.choices):
        raise ValueError("choices: one is empty or comes twice")
    if item.answer >= len(item.choices):
        raise ValueError(f"answer: {item.answer}, counted from 0, of {len(item.choices)} choices")
    return item


def _composed(value: Any) -> Any:
    """The same JSON with every text in NFC."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [_composed(each) for each in value]
    if isinstance(value, dict):
        return {key: _composed(each) for key, each in value.items()}
    return value


def _bad(name: str, why: str) -> BadText:
    return BadText(
        say(f"{name} is not a task file.", f"{name}은(는) 과제 파일이 아닙니다."),
        why,
        say(
            'A line is {"id", "kind", "question", "choices", "answer" (from 0)} as JSON.',
            '한 줄에 {"id", "kind", "question", "choices", "answer"(0부터)}를 JSON으로 적습니다.',
        ),
    )
