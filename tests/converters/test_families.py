"""Configs of known families: what they say, and what the graph must refuse."""

import json
from typing import Any

import pytest

from ondol.errors import CorruptSource, UnknownArchitecture, UnsupportedTensor
from ondol_converters.families import FAMILIES, describe, family, recognise
from ondol_converters.families.decoder import LLAMA_NAMES, Decoder, Layer, Rope
from ondol_converters.families.hyperclovax import MULTIPLIERS
from ondol_converters.families.limits import HARMLESS
from ondol_converters.families.tensors import check_tensors, wanted
from ondol_converters.families.views import viewed
from ondol_converters.graph.attention import turns_apart
from ondol_converters.sources import TensorInfo, open_source
from tiny_models import MODELS, NAMES


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
    everywhere = read("qwen2_untied", max_window_layers=0, layer_types=None)
    assert everywhere.layers == (Layer(window=16),) * 2
    assert read("qwen2_untied", max_window_layers=0).layers == (Layer(), Layer(window=16))
    assert read("qwen2_untied", use_sliding_window=False).layers == (Layer(),) * 2


def test_exaone4_turns_only_the_layers_that_slide() -> None:
    slides, sees = Layer(window=16), Layer(rope=None)
    assert read("exaone4").layers == (slides, slides, slides, sees, slides)
    letters = read("exaone4", layer_types=None, sliding_window_pattern="LG")
    assert letters.layers == (slides, sees, slides, sees, slides)
    every = read("exaone4", layer_types=None, sliding_window_pattern=2)
    assert every.layers == letters.layers
    assert read("exaone4_full").layers == (Layer(),) * 2


def test_hyperclovax_reads_every_multiplier() -> None:
    decoder = read("hyperclovax")
    scales = (decoder.embedding_scale, decoder.residual_scale, decoder.logit_scale)
    assert (*scales, decoder.attention_scale) == (3.0, 0.4, 0.3, 0.11)
    plain = dict.fromkeys(MULTIPLIERS)
    decoder = read("hyperclovax", **plain)
    scales = (decoder.embedding_scale, decoder.residual_scale, decoder.logit_scale)
    assert (*scales, decoder.attention_scale) == (1.0, 1.0, 1.0, 32**-0.5)
    with pytest.raises(CorruptSource, match="residual_scale"):
        read("hyperclovax", residual_multiplier=float("nan"))


@pytest.mark.parametrize(
    ("name", "changes", "turned"),
    [
        ("gpt_neox", {"rotary_pct": 0.5}, 16),
        ("gpt_neox", {"rotary_pct": 0.3}, 9),  # cut, as its own code does; odd ones are refused
        ("gpt_neox", {"rotary_pct": 0.26}, 8),
        ("gpt_neox", {"rotary_pct": None}, 8),
        ("gpt_neox", {"rotary_pct": None, "partial_rotary_factor": 1.0}, 32),
        ("gptj", {}, 8),
        ("llama3", {}, 16),
    ],
)
def test_how_much_of_a_head_turns(name: str, changes: dict[str, Any], turned: int) -> None:
    changes = {"partial_rotary_factor": None, **changes}
    if turned % 2:
        with pytest.raises(CorruptSource, match=f"{turned} of 32 turned"):
            read(name, **changes)
    else:
        assert read(name, **changes).turned == turned


KOREAN: dict[str, tuple[str, int, int, int, int, dict[str, Any]]] = {
    "exaone": ("EXAONE 3.5 2.4B", 2560, 32, 8, 80, {}),
    "gpt2": ("KoGPT2", 768, 12, 12, 64, {}),
    "gptj": ("KoGPT 6B", 4096, 16, 16, 256, {"rotary_dim": 64}),
    "gpt_neox": ("Polyglot-Ko 1.3B", 2048, 16, 16, 128, {"rotary_pct": 0.5}),
    "hyperclovax": ("HyperCLOVA X SEED Think 14B", 6144, 48, 8, 128, {}),
}
"""Published models: hidden size, heads, key heads, head size, and what else their heads need."""


@pytest.mark.parametrize("model_type", KOREAN)
def test_published_heads_are_turned_by_attention_itself(model_type: str) -> None:
    _, hidden, heads, kv_heads, size, others = KOREAN[model_type]
    config = json.loads((MODELS / model_type / "config.json").read_text())
    own = {ours: key for key, ours in family(model_type).aliases.items()}
    sizes = {"hidden_size": hidden, "num_attention_heads": heads, "num_key_value_heads": kv_heads}
    config = {key: value for key, value in config.items() if key != "head_dim"}
    config |= {own.get(key, key): value for key, value in sizes.items()}
    decoder = describe(model_type, {**config, **others}, "huggingface")
    assert (decoder.head_dim, decoder.kv_heads) == (size, kv_heads)
    assert not turns_apart(decoder)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("llama3", {"hidden_act": "relu"}),
        ("llama3", {"partial_rotary_factor": 0.5}),
        ("llama3", {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}),
        ("llama3", {"head_dim": 20}),
        ("gemma3", {"final_logit_softcapping": 30.0}),
        ("gemma3", {"attn_logit_softcapping": 50.0}),
        ("gemma3", {"use_bidirectional_attention": True}),
        ("gemma3", {"layer_types": ["sliding_attention"] * 3}),
        ("gemma3", {"layer_types": ["chunked_attention"] * 7}),
        ("qwen3", {"hidden_size": "many"}),
        ("qwen3", {"hidden_size": float("inf")}),
        ("qwen2", {"num_attention_heads": 0}),
        ("qwen3", {"head_dim": -16}),
        ("qwen3", {"num_hidden_layers": 4_000_000_000}),
        ("qwen3", {"num_experts": 8}),
        ("qwen3", {"quantization_config": {"quant_method": "awq"}}),
        ("qwen2", {"layer_types": "full_attention"}),
        ("llama3", {"rope_scaling": ["linear"]}),
        ("llama3", {"rope_scaling": {"rope_type": "linear", "factor": 2, "attention_factor": 2}}),
        ("llama3", {"rope_scaling": {"rope_type": "dynamic", "factor": 2}}),
        ("llama3", {"rope_scaling": {"type": "longrope", "factor": 2}}),
        ("llama3", {"num_local_experts": 8}),
        ("llama3", {"residual_multiplier": 0.22}),
        ("exaone4", {"sliding_window_pattern": "LLXG"}),
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}),
        ("gpt2", {"scale_attn_weights": False}),
        ("gptj", {"rotary_dim": None}),
        ("gpt_neox", {"rotary_pct": 0.25, "partial_rotary_factor": 0.5}),
        ("hyperclovax", {"num_local_experts": 8}),
        ("qwen3", {"rotary_pct": 0.5}),
        ("gemma3", {"query_pre_attn_scalar": -24}),
        ("gemma3", {"rope_local_scaling": {"rope_type": "linear", "factor": 2}}),
    ],
)
def test_what_the_graph_cannot_do_is_refused(name: str, changes: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedTensor) as caught:
        read(name, **changes)
    assert caught.value.why


@pytest.mark.parametrize(
    "changes",
    [
        {"num_key_value_heads": 2},
        {"num_hidden_layers": 0},
        {"num_attention_heads": 0},
        {"vocab_size": -1},
        {"intermediate_size": 1 << 40},
        {"rope_scaling": {"rope_type": "llama3", "factor": 8.0}},
        {"rope_scaling": {"rope_type": "linear", "factor": 0.0}},
        {"rope_theta": -1.0},
        {"rope_theta": float("nan")},
        {"rms_norm_eps": float("inf")},
        {"rms_norm_eps": -1e-6},
    ],
)
def test_a_config_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(CorruptSource):
        read("llama3", **changes)


@pytest.mark.parametrize("key", sorted(HARMLESS))
def test_every_refused_key_may_say_that_it_changes_nothing(key: str) -> None:
    plain = read("qwen3")
    for value in HARMLESS[key]:
        assert read("qwen3", **{key: value}) == plain
    with pytest.raises(UnsupportedTensor, match=key):
        read("qwen3", **{key: 7})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("drop", ["hidden_size", "num_hidden_layers", "max_position_embeddings"])
def test_a_number_left_out_is_named(name: str, drop: str) -> None:
    config = json.loads((MODELS / name / "config.json").read_text())
    aliases = family(config["model_type"]).aliases
    own = next((key for key in config if aliases.get(key) == drop), drop)
    del config[own]
    with pytest.raises(CorruptSource, match=own) as caught:
        describe(config["model_type"], config, "huggingface")
    assert drop in caught.value.what


@pytest.mark.parametrize("name", NAMES)
def test_a_model_has_exactly_the_tensors_it_wants(name: str) -> None:
    with open_source(MODELS / name) as source:
        decoder, names = recognise(source)
        tensors = viewed(source, family(source.model_type), decoder, names).tensors
        assert dict(wanted(decoder, names)) == {k: t.shape for k, t in tensors.items()}


def with_tensor(name: str, shape: tuple[int, ...] = (4,)) -> dict[str, TensorInfo]:
    with open_source(MODELS / "qwen2") as source:
        return {**source.tensors, name: TensorInfo(name, shape, "F32")}


@pytest.mark.parametrize(
    "name",
    [
        "model.layers.0.self_attn.o_proj.bias",
        "transformer.h.0.attn.c_attn.bias",
        "gpt_neox.layers.0.attention.dense.bias",
        "model.layers.1.self_attn.q_norm.weight",
        "model.layers.2.mlp.up_proj.weight",
        "model.layers.0.mlp.experts.0.up_proj.weight",
        "model.layers.0.self_attn.q_proj.qweight",
        "score.weight",
    ],
)
def test_a_tensor_left_over_is_refused(name: str) -> None:
    with pytest.raises(UnsupportedTensor) as caught:
        check_tensors(with_tensor(name), read("qwen2"), LLAMA_NAMES["huggingface"])
    assert name in caught.value.why


def test_many_tensors_left_over_are_counted() -> None:
    tensors = with_tensor("a")
    for i in range(9):
        tensors |= {f"b{i}": TensorInfo(f"b{i}", (1,), "F32")}
    with pytest.raises(UnsupportedTensor, match="a, b0, b1, b2 and 6 more"):
        check_tensors(tensors, read("qwen2"), LLAMA_NAMES["huggingface"])


@pytest.mark.parametrize(
    "name",
    [
        "lm_head.weight",
        "model.layers.0.self_attn.rotary_emb.inv_freq",
        "transformer.h.0.attn.bias",
        "transformer.h.0.attn.masked_bias",
        "gpt_neox.layers.0.attention.bias",
        "gpt_neox.layers.0.attention.masked_bias",
        "vision_tower.encoder.layers.0.q.weight",
        "multi_modal_projector.mm_input_projection_weight",
    ],
)
def test_tensors_that_text_does_without_are_left(name: str) -> None:
    check_tensors(with_tensor(name), read("qwen2"), LLAMA_NAMES["huggingface"])


def test_an_unknown_family_is_named_with_the_known() -> None:
    with pytest.raises(UnknownArchitecture, match="qwen2_moe") as caught:
        describe("qwen2_moe", {}, "huggingface")
    assert all(known in caught.value.why for known in FAMILIES)
    assert "ADDING_A_FAMILY.md" in caught.value.fix
