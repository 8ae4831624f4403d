"""What a session is opened with, chosen or wished for."""

import os

import pytest

from ondol.errors import OptionError
from ondol.plan import Plan, has_dot_product, plan, usable_cores
from tiny_models import CONTEXT, Tiny


def test_what_is_not_said_is_chosen(tiny: Tiny) -> None:
    chosen = plan(tiny("qwen3"))
    assert chosen == Plan(CONTEXT, usable_cores(), has_dot_product(), True)
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


def test_wishes_are_met(tiny: Tiny) -> None:
    chosen = plan(tiny("qwen3"), context=17, threads=3, spin=False)
    assert (chosen.context, chosen.threads, chosen.spin) == (17, 3, False)


@pytest.mark.parametrize("context", [0, -1, CONTEXT + 1, 1 << 60])
def test_a_context_that_is_not_to_be_had_names_the_longest(tiny: Tiny, context: int) -> None:
    with pytest.raises(OptionError, match=str(CONTEXT)) as caught:
        plan(tiny("qwen3"), context=context)
    assert "--context" in caught.value.fix


@pytest.mark.parametrize("threads", [0, -1, 1025])
def test_threads_that_cannot_be_meant(tiny: Tiny, threads: int) -> None:
    with pytest.raises(OptionError, match="threads"):
        plan(tiny("qwen3"), threads=threads)
