"""Options that only decoders have are refused by name, not passed over."""

import pytest

from ondol.errors import OptionError
from ondol_converters.encoders.options import DRAWN, EXPORTED, weights_of
from ondol_converters.recipe import Options


def test_weights_that_are_known() -> None:
    assert weights_of(Options(), DRAWN) == "auto" and weights_of(Options(), EXPORTED) == "int8"
    assert weights_of(Options("float32"), EXPORTED) == "float32"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options("int4"), "--weights int4"),
        (Options("int8", method="search"), "--method search"),
        (Options("int8", block=64), "--block 64"),
        (Options(budget=0.01), "--budget 1.0%"),
        (Options(kv_cache="int8"), "--kv-cache int8"),
    ],
)
def test_what_only_decoders_have_is_named(options: Options, said: str) -> None:
    for known in (DRAWN, EXPORTED):
        with pytest.raises(OptionError, match=f"Not for encoders and speech: {said}"):
            weights_of(options, known)


def test_a_vocabulary_that_cannot_be_cut_is_named() -> None:
    told = Options(vocabulary="ko-en")
    assert weights_of(told, EXPORTED) == "int8"
    with pytest.raises(OptionError, match="--vocabulary ko-en"):
        weights_of(told, EXPORTED, whole_vocabulary=True)
