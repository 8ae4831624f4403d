import numpy as np
import pytest

from ondol.engine import Engine
from ondol.evaluation.alignment import log_probabilities
from ondol.evaluation.leaks import leaking_mass, leaking_tokens
from ondol.tokenizer import Tokenizer
from ondol_converters.tokenizers import Vocabulary, from_vocabulary
from tiny_models import Tiny


def test_tokens_that_write_or_begin_another_script() -> None:
    words = ["한국", "漢", "自然", "の", "ab", "。", "가漢", "(カ"]
    tokens = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), *words]
    kinds = [2, *[6] * 256, *[1] * len(words)]
    made = Vocabulary("llama", tokens, scores=[0.0] * len(tokens), types=kinds, unk=0)
    tokenizer = Tokenizer(from_vocabulary(made).json)

    def named(hanja: bool) -> list[str]:
        found = leaking_tokens(tokenizer, len(tokens), hanja=hanja)
        return [tokens[number] for number in found]

    leads = [f"<0x{byte:02X}>" for byte in range(0xE4, 0xEA)]
    assert named(False) == [*leads, "漢", "自然", "の", "가漢", "(カ"]
    assert named(True) == ["の", "(カ"]


def test_the_mass_is_that_of_the_probabilities(tiny: Tiny) -> None:
    with Engine.open(tiny("qwen3")) as engine:
        session, tokenizer = engine.session, engine.tokenizer
        leaking = leaking_tokens(tokenizer, session.vocabulary)
        assert len(leaking) == 6  # its letters for the bytes E4 to E9
        ids = tokenizer.encode("가나다 the")
        ids = ids if tokenizer.bos is None else [tokenizer.bos, *ids]
        rows = session.append_all(ids).copy()
        expected = np.mean([np.exp(log_probabilities(row))[leaking].sum() for row in rows])
        found = leaking_mass(session, tokenizer, "가나다 the")
        # One pass and chunks of it differ by the rounding of 8-bit products.
        assert found == pytest.approx(float(expected), rel=1e-3) and 0 < found < 1
        assert leaking_mass(session, tokenizer, "가나다 the", hanja=True) == 0
