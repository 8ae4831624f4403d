"""What the decoder graph must know of a model, and where a family's tensors are found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_LAYERS = 1 << 10


@dataclass(frozen=True, slots=True)
class Rope:
    """Rotary position embedding of one kind of layer (RoFormer, arXiv 2104.09864).

    `scaling` is "none", "linear" (positions divided by `factor`), "llama3" (Llama 3.1: low
    frequencies divided by `factor`, a smooth band between) or "tensor" (frequencies divided by
    the numbers in the source's tensor `factors_name`).
    """

    theta: float
    scaling: str = "none"
    factor: float = 1.0
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    original_context: int = 8192
    factors_name: str = ""


@dataclass(frozen=True, slots=True)
class Layer:
    """One decoder layer: which rope it uses (None: no rope), its window in tokens (0: full)."""

    rope: int | None = 0
    window: int = 0


@dataclass(frozen=True, slots=True)
class Decoder:
    """A decoder-only transformer, as numbers. Sizes are in elements.

    `norm` is "rms" (RMSNorm) or "layer" (LayerNorm, with a bias); `norm_offset` is added to every
    weight of one (Gemma stores w for 1 + w). A branch (attention, MLP) reads x normed where
    `pre_norms`, and is normed before it is added to x where `post_norms`.
    `parallel` branches read the same x and are added together (GPT-J); where `shared_norm`, the
    MLP reads x as attention's norm gives it, else it has a norm of its own.
    `activation` is "silu", "gelu" or "gelu_tanh"; a `gated` MLP is down(activation(gate) · up), a
    plain one down(activation(up)).
    `rotary_dims` are the first elements of a head that a rope turns (0: all of it);
    `learned_positions` are a matrix whose rows are added to the embedding instead of any rope.
    `attention_scale` multiplies q·k before softmax, `residual_scale` each branch, `logit_scale`
    the logits.
    `fused_qkv` says that the source has q, k and v as one tensor, in this order.
    """

    model_type: str
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    max_context: int
    norm_epsilon: float
    ropes: tuple[Rope, ...]
    layers: tuple[Layer, ...]
    attention_scale: float
    norm: str = "rms"
    norm_offset: float = 0.0
    pre_norms: bool = True
    post_norms: bool = False
    parallel: bool = False
    shared_norm: bool = False
    activation: str = "silu"
    gated: bool = True
    embedding_scale: float = 1.0
    residual_scale: float = 1.0
    logit_scale: float = 1.0
    rotary_dims: int = 0
    rotary_interleaved: bool = False
    learned_positions: bool = False
    fused_qkv: bool = False
    qkv_bias: bool = False
    o_bias: bool = False
    mlp_bias: bool = False
    head_bias: bool = False
    qk_norm: bool = False
    tied: bool = True

    @property
    def turned(self) -> int:
        """How many of a head's elements a rope turns."""
        return self.rotary_dims or self.head_dim


@dataclass(frozen=True, slots=True)
class Covered:
    """A model people bring of a family, and a hint at its licence; its own text is what counts.

    `licence_kind` is "commercial", "conditional" or "research-only".
    """

    name: str
    licence: str
    licence_kind: str


@dataclass(frozen=True, slots=True)
class Family:
    """A model family: how its config reads, and what its tensors are called.

    `names` maps a source format ("huggingface", "gguf") to a table from our tensor names to the
    format's, `{i}` standing for the layer. `views` say, likewise, which of them are stored in
    another order than a product reads: see `families.views`.
    `aliases` are the config's own words for the keys that `read` asks for; `heeds` are keys of
    `limits.HARMLESS` that it does not ignore.
    `models` are models of the family that Korean users bring.
    """

    model_type: str
    architectures: tuple[str, ...]
    read: Callable[[Mapping[str, Any], str], Decoder]
    names: Mapping[str, Mapping[str, str]]
    views: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    heeds: tuple[str, ...] = ()
    models: tuple[Covered, ...] = ()

    def common(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """A config under the keys that `read` asks for; where it has both, theirs count."""
        own = {self.aliases.get(key, key): value for key, value in config.items()}
        return own | {key: value for key, value in config.items() if key not in self.aliases}


LLAMA_NAMES: Mapping[str, Mapping[str, str]] = {
    "huggingface": {
        "embedding": "model.embed_tokens.weight",
        "final_norm": "model.norm.weight",
        "head": "lm_head.weight",
        "attention_norm": "model.layers.{i}.input_layernorm.weight",
        "q": "model.layers.{i}.self_attn.q_proj",
        "k": "model.layers.{i}.self_attn.k_proj",
        "v": "model.layers.{i}.self_attn.v_proj",
        "o": "model.layers.{i}.self_attn.o_proj",
        "q_norm": "model.layers.{i}.self_attn.q_norm.weight",
        "k_norm": "model.layers.{i}.self_attn.k_norm.weight",
        "mlp_norm": "model.layers.{i}.post_attention_layernorm.weight",
        "gate": "model.layers.{i}.mlp.gate_proj",
        "up": "model.layers.{i}.mlp.up_proj",
        "down": "model.layers.{i}.mlp.down_proj",
    },
    "gguf": {
        "embedding": "token_embd.weight",
        "final_norm": "output_norm.weight",
        "head": "output.weight",
        "attention_norm": "blk.{i}.attn_norm.weight",
        "q": "blk.{i}.attn_q",
        "k": "blk.{i}.attn_k",
        "v": "blk.{i}.attn_v",
        "o": "blk.{i}.attn_output",
        "q_norm": "blk.{i}.attn_q_norm.weight",
        "k_norm": "blk.{i}.attn_k_norm.weight",
        "mlp_norm": "blk.{i}.ffn_norm.weight",
        "gate": "blk.{i}.ffn_gate",
        "up": "blk.{i}.ffn_up",
        "down": "blk.{i}.ffn_down",
    },
}
"""Names of the Llama lineage; projections without their `.weight` or `.bias` ending."""


ACTIVATIONS = {
    "silu": "silu",
    "swish": "silu",
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
}
"""Our names of activations by Hugging Face's."""


def read_rope(config: Mapping[str, Any], theta_default: float) -> Rope:
    """A rope from `rope_theta` and `rope_scaling` of a Hugging Face config.

    Raises:
        KeyError: if a scaling leaves out one of its numbers.
        ValueError: if the scaling is of a kind that the graph cannot draw.
    """
    theta = float(config.get("rope_theta") or theta_default)
    scaling = config.get("rope_scaling") or {}
    if not isinstance(scaling, Mapping):
        raise ValueError(f"rope_scaling {scaling!r}")
    if scaling.get("attention_factor") not in (None, 1):
        raise ValueError(f"attention_factor {scaling['attention_factor']!r}")
    kind = str(scaling.get("rope_type") or scaling.get("type") or "default")
    if kind == "default":
        return Rope(theta)
    if kind == "linear":
        return Rope(theta, "linear", float(scaling["factor"]))
    if kind == "llama3":
        return Rope(
            theta,
            "llama3",
            float(scaling["factor"]),
            float(scaling["low_freq_factor"]),
            float(scaling["high_freq_factor"]),
            int(scaling["original_max_position_embeddings"]),
        )
    if kind == "tensor":
        return Rope(theta, "tensor", factors_name=str(scaling["tensor"]))
    raise ValueError(f"rope scaling of kind {kind!r}")


def sliding(config: Mapping[str, Any], otherwise: Sequence[bool]) -> Sequence[bool]:
    """Which layers slide: what `layer_types` says of each, else `otherwise`.

    Raises:
        ValueError: if it says so of more or fewer layers, or names another kind.
    """
    kinds = config.get("layer_types")
    if kinds is None:
        return otherwise
    if not isinstance(kinds, list) or len(kinds) != len(otherwise):
        raise ValueError(f"layer_types of {len(otherwise)} layers: {kinds!r}")
    for kind in kinds:
        if kind not in ("full_attention", "sliding_attention"):
            raise ValueError(f"a layer of kind {kind!r}")
    return [kind == "sliding_attention" for kind in kinds]


def read_llama(config: Mapping[str, Any], source_format: str) -> Decoder:
    """The Llama lineage's common reading; families replace what differs.

    Raises:
        KeyError: if the config leaves out a number.
        ValueError: if it asks for something that the graph does not do.
    """
    activation = str(config.get("hidden_activation") or config.get("hidden_act") or "silu")
    if activation not in ACTIVATIONS:
        raise ValueError(f"hidden_act = {activation!r}")
    heads = int(config["num_attention_heads"])
    head_dim = int(config.get("head_dim") or int(config["hidden_size"]) // heads)
    count = int(config["num_hidden_layers"])
    if head_dim < 1 or count > MOST_LAYERS:
        raise ValueError(f"head_dim {head_dim}, num_hidden_layers {count}")
    bias = bool(config.get("attention_bias", False))
    return Decoder(
        model_type=str(config["model_type"]),
        hidden=int(config["hidden_size"]),
        intermediate=int(config["intermediate_size"]),
        heads=heads,
        kv_heads=int(config.get("num_key_value_heads") or heads),
        head_dim=head_dim,
        vocabulary=int(config["vocab_size"]),
        max_context=int(config["max_position_embeddings"]),
        norm_epsilon=float(config["rms_norm_eps"]),
        ropes=(read_rope(config, 10000.0),),
        layers=(Layer(),) * count,
        attention_scale=head_dim**-0.5,
        activation=ACTIVATIONS[activation],
        qkv_bias=bias,
        o_bias=bool(config.get("attention_out_bias", bias)),
        mlp_bias=bool(config.get("mlp_bias", False)),
        tied=bool(config.get("tie_word_embeddings", False)),
        rotary_interleaved=bool(config.get("interleaved_rope", False)),
    )
