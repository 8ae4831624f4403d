import pytest

from ondol.bench import TEXT, Work, bytes_per_token, measure, read_bandwidth
from ondol.errors import OptionError
from tiny_models import CONTEXT, Tiny


def test_a_token_reads_each_matrix_but_a_separate_embedding(tiny: Tiny) -> None:
    tied, untied = tiny("qwen2"), tiny("qwen2_untied")
    every = {r.name: r.bytes for r in untied.manifest.recipe.matrices}
    assert bytes_per_token(tied) == sum(r.bytes for r in tied.manifest.recipe.matrices)
    assert bytes_per_token(untied) == sum(every.values()) - every["model.embed_tokens.weight"]


def test_rounds_are_run_and_reported(tiny: Tiny) -> None:
    seen: list[tuple[int, int]] = []
    work = Work(rounds=3, prompt_tokens=60, decode_tokens=5, threads=1)
    made = measure(tiny("qwen2"), work, lambda *at: seen.append(at))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert len(made.rounds) == 3 and made.threads == 1
    assert made.characters_rate < made.decode_rate * len(TEXT)
    assert made.bandwidth_share == pytest.approx(
        made.bytes_per_token * made.decode_rate / made.read_bandwidth
    )
    assert made.peak_resident_bytes > made.size_bytes
    assert (made.history_tokens, made.turn_tokens) == (33, 32)
    assert made.second_turn_share == pytest.approx(
        sorted(r.second_turn_seconds / r.cold_turn_seconds for r in made.rounds)[1]
    )
    rates = sorted(work.decode_tokens / r.decode_seconds for r in made.rounds)
    assert made.decode_rate == rates[1]


def test_work_that_does_not_fit_is_refused_before_it_starts(tiny: Tiny) -> None:
    bundle = tiny("qwen2")
    measure(bundle, Work("null", rounds=1, prompt_tokens=CONTEXT - 1, decode_tokens=1))
    with pytest.raises(OptionError, match=str(CONTEXT)):
        measure(bundle, Work("null", rounds=1, prompt_tokens=CONTEXT, decode_tokens=1))
    for wrong in (0, -1, 1 << 21):
        with pytest.raises(OptionError, match="decode_tokens"):
            Work(decode_tokens=wrong)


def test_memory_is_read_at_some_speed() -> None:
    assert read_bandwidth(2, 1 << 20) > 0
