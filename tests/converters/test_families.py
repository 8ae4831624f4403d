"""Configs of known families: what they say, and what the graph must refuse."""

import json
from typing import Any

import pytest

from ondol.errors import CorruptSource, OndolError, UnknownArchitecture, UnsupportedTensor
from ondol_converters.families import describe
from ondol_converters.families.decoder import Decoder, Layer, Rope
from tiny_models import MODELS


def read(name: str, **changes: Any) -> Decoder:
    config = json.loads((MODELS / name / "config.json").read_text())
    return describe(config["model_type"], {**config, **changes}, "huggingface")


def test_gemma3_slides_all_but_every_sixth_layer() -> None:
    decoder = read("gemma3", layer_types=None, sliding_window_pattern=None)
    assert decoder.layers == (*[Layer(1, 8)] * 5, Layer(), Layer(1, 8))
    assert decoder.ropes == (Rope(1e6, "linear", 8.0), Rope(1e4))
    assert (decoder.activation, decoder.tied, decoder.norm_offset) == ("gelu_tanh", True, 1.0)
    assert decoder.attention_scale == 24**-0.5


def test_qwen2_slides_from_the_layer_it_says() -> None:
    assert read("qwen2_untied").layers == (Layer(), Layer(window=16))
    assert read("qwen2_untied", max_window_layers=0).layers == (Layer(window=16),) * 2
    assert read("qwen2_untied", use_sliding_window=False).layers == (Layer(),) * 2


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("llama3", {"hidden_act": "gelu"}),
        ("llama3", {"partial_rotary_factor": 0.5}),
        ("llama3", {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}),
        ("llama3", {"head_dim": 24}),
        ("gemma3", {"final_logit_softcapping": 30.0}),
        ("gemma3", {"attn_logit_softcapping": 50.0}),
        ("gemma3", {"use_bidirectional_attention": True}),
        ("gemma3", {"layer_types": ["sliding_attention"] * 3}),
        ("gemma3", {"layer_types": ["chunked_attention"] * 7}),
        ("qwen3", {"hidden_size": "many"}),
    ],
)
def test_what_the_graph_cannot_do_is_refused(name: str, changes: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedTensor):
        read(name, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"num_key_value_heads": 2},
        {"num_hidden_layers": 0},
        {"vocab_size": -1},
        {"intermediate_size": 1 << 40},
        {"rope_scaling": {"rope_type": "llama3", "factor": 8.0}},
    ],
)
def test_a_config_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(CorruptSource):
        read("llama3", **changes)


def test_an_unknown_family_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownArchitecture, match="qwen2_moe") as caught:
        describe("qwen2_moe", {}, "huggingface")
    assert isinstance(caught.value, OndolError) and "qwen2" in caught.value.why
