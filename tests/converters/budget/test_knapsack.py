"""The knapsack against every choice there is."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from ondol_converters.budget.knapsack import Choice, choose, least

NUMBERS = st.integers(0, 40)
CHOICES = st.lists(
    st.lists(st.builds(Choice, NUMBERS.map(float), NUMBERS.map(float)), min_size=1, max_size=4),
    min_size=1,
    max_size=5,
)


def cost(choices: dict[str, list[Choice]], taken: dict[str, int]) -> tuple[float, float]:
    own = [choices[name][at] for name, at in taken.items()]
    return sum(c.cost for c in own), sum(c.loss for c in own)


@settings(deadline=None, max_examples=300)
@given(CHOICES, NUMBERS)
def test_a_choice_fits_and_is_near_the_best_there_is(
    lists: list[list[Choice]], allowed: int
) -> None:
    choices = {str(n): own for n, own in enumerate(lists)}
    every = [
        cost(choices, dict(zip(choices, taken, strict=True)))
        for taken in product(*(range(len(own)) for own in lists))
    ]
    fitting = [c for c, loss in every if loss <= allowed]
    found = choose(choices, allowed)
    if not fitting:
        assert found is None
        return
    assert found is not None
    price, loss = cost(choices, found)
    assert loss <= allowed
    # Multipliers reach the best up to the cost of one matrix (the gap of one item)
    widest = max(max(c.cost for c in own) - min(c.cost for c in own) for own in lists)
    assert price <= min(fitting) + widest


def test_of_equal_losses_the_cheaper_is_least() -> None:
    assert least({"a": [Choice(3, 1), Choice(2, 1), Choice(1, 2)]}) == {"a": 1}


def test_all_is_spent_that_buys_something() -> None:
    choices = {name: [Choice(10, 0), Choice(5, 1)] for name in "abcd"}
    assert sorted((choose(choices, 3.0) or {}).values()) == [0, 1, 1, 1]


def test_what_is_left_goes_where_it_saves_most() -> None:
    choices = {
        "first": [Choice(100, 0), Choice(0, 3)],
        "too much": [Choice(10, 0), Choice(0, 2.5)],
        "best": [Choice(10, 0), Choice(5, 2)],
        "worst": [Choice(10, 0), Choice(8, 2)],
    }
    assert choose(choices, 5.0) == {"first": 1, "too much": 0, "best": 1, "worst": 0}
