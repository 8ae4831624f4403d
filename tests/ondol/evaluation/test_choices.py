"""Multiple choice: what is chosen, against probabilities summed in numpy."""

import json
from typing import Any

import pytest

from ondol.bundle import Bundle
from ondol.errors import ContextFull, OptionError
from ondol.evaluation import choices
from ondol.evaluation.choices import Answer, accuracy, by_letter, by_likelihood, run_task
from ondol.evaluation.scoring import OpenModel
from ondol.evaluation.tasks import Item, Task, parse_task
from open_model import opened, token_by_token
from tiny_models import Tiny

ITEMS: list[dict[str, Any]] = [
    {"id": "1", "kind": "a", "question": "가나?", "choices": ["다", "라마바", "x"], "answer": 0},
    {
        "id": "2",
        "kind": "b",
        "question": "1+1",
        "choices": ["2", "11"],
        "answer": 0,
        "context": "수",
    },
    {"id": "3", "kind": "a", "question": "xyz", "choices": ["긴 답이다", "a"], "answer": 1},
    {"id": "4", "kind": "a", "question": "끝?", "choices": ["네", "아니요"], "answer": 0},
]


def task(*items: dict[str, Any]) -> Task:
    return parse_task("t.jsonl", "\n".join(map(json.dumps, items)).encode())


@pytest.fixture
def bundle(tiny: Tiny) -> Bundle:
    return tiny("gemma3", "float32")


@pytest.fixture
def model(bundle: Bundle) -> OpenModel:
    return opened(bundle)


def logarithm(model: OpenModel, prompt: str, ending: str) -> float:
    """The logarithm of an ending's probability, every token alone from the beginning."""
    first = [model.tokenizer.bos or 0]
    before = first + model.tokenizer.encode(prompt)
    whole = first + model.tokenizer.encode(prompt + ending)
    assert whole[: len(before)] == before  # the tiny tokenizer joins nothing over a space
    rows = token_by_token(model, whole[:-1])
    return sum(float(rows[i - 1][whole[i]]) for i in range(len(before), len(whole)))


def chosen(
    model: OpenModel, item: dict[str, Any], shown: tuple[str, str] = ("", "")
) -> tuple[int, int]:
    """What is to be chosen by likelihood and by letter, prompts written out."""
    context = f"지문: {item['context']}\n" if "context" in item else ""
    question = f"질문: {item['question']}\n"
    listed = "".join(f"{letter}. {c}\n" for letter, c in zip("ABC", item["choices"], strict=False))
    plain, lettered = (
        shown[0] + context + question + "정답:",
        shown[1] + context + question + listed + "정답:",
    )
    texts = [logarithm(model, plain, f" {c}") / len(c) for c in item["choices"]]
    letters = [
        logarithm(model, lettered, f" {letter}")
        for letter, _ in zip("ABC", item["choices"], strict=False)
    ]
    return texts.index(max(texts)), letters.index(max(letters))


def test_the_likeliest_is_chosen(model: OpenModel, bundle: Bundle) -> None:
    wanted = [chosen(model, item) for item in ITEMS]
    seen: list[tuple[int, int]] = []
    found = run_task(opened(bundle), task(*ITEMS), progress=lambda *at: seen.append(at))
    answers = [item["answer"] for item in ITEMS]
    pairs = list(zip(wanted, answers, strict=True))
    assert found.likelihood.correct == sum(text == right for (text, _), right in pairs)
    assert found.letter.correct == sum(letter == right for (_, letter), right in pairs)
    assert len({text for text, _ in wanted}) > 1  # else any one choice would do
    assert found.chance == pytest.approx((1 / 3 + 3 / 2) / 4)
    assert [kind.kind for kind in found.kinds] == ["a", "b"]
    assert [kind.letter.items for kind in found.kinds] == [3, 1]
    assert seen == [(i + 1, 8) for i in range(8)]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: str(item["id"]))
def test_each_answer_is_numpys(
    item: dict[str, Any], model: OpenModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = task(item).items[0]
    wanted = chosen(model, item)
    monkeypatch.setattr(choices, "chunk_tokens", lambda session: 2)
    runner = choices._Runner(model, ())
    assert (runner.answer(given, False), runner.answer(given, True)) == wanted


def test_shots_come_first_and_are_not_asked(model: OpenModel) -> None:
    shot = {
        "id": "0",
        "kind": "a",
        "question": "예",
        "choices": ["가", "나"],
        "answer": 1,
        "fewshot": True,
    }
    asked = ITEMS[0]
    shown = (
        "질문: 예\n정답: 나\n\n",
        "질문: 예\nA. 가\nB. 나\n정답: B\n\n",
    )
    text, letter = chosen(model, asked, shown)
    found = run_task(model, task(shot, asked), shots=1)
    assert (found.likelihood.correct, found.letter.correct) == (
        text == asked["answer"],
        letter == asked["answer"],
    )
    assert (found.shots, found.likelihood.items) == (1, 1)
    assert run_task(model, task(shot, asked)).likelihood.items == 1  # shown or not, never asked


def test_shots_of_the_items_depend_on_the_seed_alone() -> None:
    whole = task(*ITEMS)
    drawn = [choices._drawn(whole, 2, seed) for seed in (0, 0, 1, 2, 3)]
    assert drawn[0] == drawn[1] and any(each != drawn[0] for each in drawn[2:])
    for shown, asked in drawn:
        assert len(shown) == 2 and not {i.id for i in shown} & {i.id for i in asked}


@pytest.mark.parametrize("shots", [-1, 4, 99])
def test_more_shots_than_items_are_refused(shots: int, model: OpenModel) -> None:
    with pytest.raises(OptionError, match="examples"):
        run_task(model, task(*ITEMS), shots=shots)


def test_an_item_that_does_not_fit_is_named(bundle: Bundle) -> None:
    small = opened(bundle, context=24)
    with pytest.raises(ContextFull, match="Item 1 ") as caught:
        run_task(small, task(ITEMS[0]), shots=0)
    assert "--shots" in caught.value.fix


@pytest.mark.parametrize(
    ("correct", "items", "low", "high"),
    [  # statsmodels.stats.proportion.proportion_confint(..., method="wilson")
        (8, 10, 0.49016, 0.94331),
        (0, 10, 0.0, 0.27753),
        (10, 10, 0.72247, 1.0),
        (50, 200, 0.19513, 0.31427),
    ],
)
def test_the_interval_is_wilsons(correct: int, items: int, low: float, high: float) -> None:
    found = accuracy([i < correct for i in range(items)])
    assert (found.correct, found.items, found.share) == (correct, items, correct / items)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_both_ways_are_counted_apart() -> None:
    item = Item("1", "k", "q", ("a", "b"), 1, "", False)
    answers = [Answer(item, 1, 0), Answer(item, 1, 1)]
    assert by_likelihood(answers).share == 1.0 and by_letter(answers).share == 0.5
