"""Random weights, random schemas: whatever is called whole is valid, whatever is not is named."""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterator

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ondol.engine import Engine
from ondol.errors import CutShort
from ondol.grammar import Json
from ondol.grammar.extraction import WHOLE, data_of
from ondol.reply import Finish, Limits
from ondol.sampling import Sampling
from schema_maker import SCHEMAS, Schema
from tiny_models import CONTEXT, Tiny

QUIET = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def engine(tiny: Tiny) -> Iterator[Engine]:
    """A byte-level vocabulary, where nearly every syllable takes three tokens."""
    with Engine.open(tiny("llama3", "float32"), threads=1, spin=False) as opened:
        yield opened


def test_every_whole_reply_is_valid(engine: Engine) -> None:
    ends: Counter[str] = Counter()

    @QUIET
    @given(
        schema=SCHEMAS, seed=st.integers(0, 99), prompt=st.sampled_from(["a", "온돌", "ab" * 55])
    )
    def hold(schema: Schema, seed: int, prompt: str) -> None:
        warm = Sampling(1.2, top_k=0, seed=seed)
        reply = engine.reply(prompt, warm, Limits(), Json(schema))
        reply.read()
        ends[str(reply.finish)] += 1
        check(schema, reply.text, whole=reply.finish in WHOLE)
        if reply.finish in WHOLE:
            assert data_of(reply, schema) == json.loads(reply.text)
        else:
            assert reply.finish is Finish.CONTEXT
            assert engine.session.length == CONTEXT
            with pytest.raises(CutShort) as cut:
                data_of(reply, schema)
            assert (cut.value.text, cut.value.finish) == (reply.text, "context")

    hold()
    assert ends["complete"] + ends["end"] > 200
    assert ends["context"] > 20  # most of those with the long prompt


def check(schema: Schema, text: str, *, whole: bool) -> None:
    assert "\ufffd" not in text
    assert unicodedata.is_normalized("NFC", text)
    if whole:
        form = jsonschema.Draft202012Validator(
            schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
        )
        form.validate(json.loads(text))


@pytest.mark.parametrize("most", range(1, 40))
def test_a_reply_cut_anywhere_is_never_taken_for_data(engine: Engine, most: int) -> None:
    schema = {
        "type": "object",
        "properties": {"이름": {"type": "string", "minLength": 3, "maxLength": 3}},
        "required": ["이름"],
    }
    reply = engine.reply("x", Sampling(1.0, seed=4), Limits(max_tokens=most), Json(schema))
    reply.read()
    if reply.finish in WHOLE:
        check(schema, reply.text, whole=True)
    else:
        assert reply.finish is Finish.LENGTH and len(reply.ids) == most
        with pytest.raises(CutShort, match="length"):
            data_of(reply, schema)
