"""What answers are measured by, on texts whose figures can be counted by hand, and on a device."""

from dataclasses import replace

import pytest

from ondol.engine import Engine
from ondol.evaluation import generation
from ondol.evaluation.generation import (
    distinct_share,
    left_out,
    measure_generation,
    prompts,
    repeated_share,
)
from ondol.evaluation.text import letter_counts
from ondol.prompt import Prompt
from tiny_models import Tiny


def test_repetition_is_counted() -> None:
    assert repeated_share([1, 2, 3]) == 0.0
    assert repeated_share([1, 2, 3, 4, 5]) == 0.0
    assert repeated_share([7] * 8) == pytest.approx(4 / 5)  # five 4-grams, one of them new
    assert repeated_share([1, 2, 3, 4, 1, 2, 3, 4]) == pytest.approx(1 / 5)


def test_variety_is_counted_over_all_texts() -> None:
    assert distinct_share([]) == distinct_share(["가나다"]) == 0.0
    assert distinct_share(["가나다라", "가나다라"]) == 0.5
    assert distinct_share(["가나다라마", "바사아자"]) == 1.0


def test_our_prompts_are_korean() -> None:
    given = prompts()
    assert len(given.asked) == len({each.question for each in given.asked}) >= 16
    for asked in given.asked:
        for text in (asked.question, asked.opening):
            hangul, _, letters = letter_counts(text)
            assert hangul == letters > 5
    assert all(each.question.endswith((".", "?")) for each in given.asked)


def test_answers_are_measured_and_repeat_themselves(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "MAX_TOKENS", 12)
    seen: list[tuple[int, int]] = []
    with Engine.open(tiny("gemma3")) as engine:
        greedy, drawn = measure_generation(engine, lambda *at: seen.append(at))
        assert measure_generation(engine) == (greedy, drawn)  # the same seed, the same words
    count = len(prompts().asked)
    assert seen == [(i, 2 * count) for i in range(2 * count + 1)]
    assert (greedy.temperature, greedy.seed) == (0.0, None) and drawn.seed is not None
    assert greedy.answers == drawn.answers == count and not greedy.chats
    # nothing is random about the likeliest token, so a model of noise soon runs in circles
    assert greedy.repeated_4grams >= drawn.repeated_4grams


def test_the_null_device_says_what_can_be_counted(tiny: Tiny) -> None:
    """Its tokens are the count of those before: each is another, and all 4-grams differ."""
    with Engine.open(tiny("gemma3"), device="null") as engine:
        greedy, _ = measure_generation(engine)
    assert greedy.answers and greedy.repeated_4grams == 0.0


def test_prompts_that_leave_no_room_for_an_answer_are_left_out_and_counted(tiny: Tiny) -> None:
    given = prompts().asked
    with Engine.open(tiny("gemma3"), device="null") as engine:
        sizes = [len(engine.tokenizer.encode_prompt(Prompt.plain(each.opening))) for each in given]
    for context in (min(sizes) + generation.MAX_TOKENS, generation.MAX_TOKENS):
        fitting = sum(size + generation.MAX_TOKENS <= context for size in sizes)
        with Engine.open(tiny("gemma3"), device="null", context=context) as engine:
            for found in measure_generation(engine):
                assert found.answers == fitting and left_out(found) == len(given) - fitting
                assert left_out(replace(found, prompts=replace(found.prompts, size=1))) == 0
