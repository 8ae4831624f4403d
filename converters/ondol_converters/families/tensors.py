"""Which tensors a decoder is made of, in which shapes, and what else a model may bring along.

Checked before anything is written: a tensor that the graph would leave out (a bias, a norm, an
expert) is an error, for without it the model would answer, and wrongly.
"""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from ondol.errors import CorruptSource, UnsupportedTensor
from ondol.language import say
from ondol_converters.families.decoder import Decoder
from ondol_converters.sources import TensorInfo

Shape = tuple[int, ...]
Parts = tuple[tuple[str, int], ...]

UNREAD = (
    "*.rotary.inv_freq",
    "*.rotary_emb.inv_freq",
    "*.attn.bias",
    "*.attn.masked_bias",
    "*.attention.bias",
    "*.attention.masked_bias",
    "model.vision_tower.*",
    "model.visual.*",
    "model.multi_modal_projector.*",
    "multi_modal_projector.*",
    "vision_tower.*",
    "visual.*",
)
"""Tensors that a decoder of text does without: tables that are computed, and other senses.

The biases are causal masks, which early files carry; a projection's bias is named after it.
"""

UNREAD_IF_TIED = "head"
"""By our name: a copy of the embedding that some files carry."""

SHOWN = 4


def embeddings(d: Decoder) -> dict[str, Shape]:
    """The matrices outside the layers by our names, [rows, columns]."""
    shapes: dict[str, Shape] = {"embedding": (d.vocabulary, d.hidden)}
    if d.learned_positions:
        shapes["positions"] = (d.max_context, d.hidden)
    if not d.tied:
        shapes["head"] = (d.vocabulary, d.hidden)
    return shapes


def layer_matrices(d: Decoder) -> dict[str, tuple[Parts, int, bool]]:
    """A layer's matrices by our names: the parts and rows fused into each, columns, biased."""
    q, kv = d.heads * d.head_dim, d.kv_heads * d.head_dim
    qkv: Parts = (("qkv", q + 2 * kv),) if d.fused_qkv else (("q", q), ("k", kv), ("v", kv))
    matrices = {"qkv": (qkv, d.hidden, d.qkv_bias), "o": ((("o", d.hidden),), q, d.o_bias)}
    if d.gated:
        parts: Parts = (("gate", d.intermediate), ("up", d.intermediate))
        matrices["gate_up"] = (parts, d.hidden, d.mlp_bias)
    else:
        matrices["up"] = ((("up", d.intermediate),), d.hidden, d.mlp_bias)
    matrices["down"] = ((("down", d.hidden),), d.intermediate, d.mlp_bias)
    return matrices


def layer_norms(d: Decoder) -> dict[str, int]:
    """The sizes of a layer's norms by our names, biases among them."""
    norms = []
    if d.pre_norms:
        norms += ["attention_norm"] if d.shared_norm else ["attention_norm", "mlp_norm"]
    if d.post_norms:
        norms += ["post_attention_norm", "post_mlp_norm"]
    sizes = _with_biases(norms, d)
    if d.qk_norm:
        sizes |= {"q_norm": d.head_dim, "k_norm": d.head_dim}
    return sizes


def final_norms(d: Decoder) -> dict[str, int]:
    """The sizes of what is between the layers and the head by our names."""
    return _with_biases(["final_norm"], d)


def _with_biases(norms: Sequence[str], d: Decoder) -> dict[str, int]:
    endings = ("", "_bias") if d.norm == "layer" else ("",)
    return {f"{norm}{ending}": d.hidden for norm in norms for ending in endings}


def matrix_tensors(d: Decoder, names: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The source's tensors that each matrix by our names is fused of, in their order."""
    found: dict[str, tuple[str, ...]] = {name: (names[name],) for name in embeddings(d)}
    for i in range(len(d.layers)):
        for name, (parts, _, _) in layer_matrices(d).items():
            stems = [names[part].format(i=i) for part, _ in parts]
            found[f"layers.{i}.{name}"] = tuple(f"{stem}.weight" for stem in stems)
    return found


def wanted(d: Decoder, names: Mapping[str, str]) -> Iterator[tuple[str, Shape]]:
    """Every tensor that a decoder reads: its name in the source, its shape."""
    for name, shape in embeddings(d).items():
        yield names[name], shape
    for name, size in final_norms(d).items():
        yield names[name], (size,)
    if d.head_bias:
        yield names["head_bias"], (d.vocabulary,)
    for rope in d.ropes:
        if rope.factors_name:
            yield rope.factors_name, (d.turned // 2,)
    for i in range(len(d.layers)):
        for parts, columns, bias in layer_matrices(d).values():
            for part, rows in parts:
                yield f"{names[part].format(i=i)}.weight", (rows, columns)
                if bias:
                    yield f"{names[part].format(i=i)}.bias", (rows,)
        for name, size in layer_norms(d).items():
            yield names[name].format(i=i), (size,)


def check_tensors(tensors: Mapping[str, TensorInfo], d: Decoder, names: Mapping[str, str]) -> None:
    """Compare what a source has with what its decoder reads.

    Raises:
        UnsupportedTensor: if it has tensors that the decoder would leave out.
        CorruptSource: if one that the decoder reads is missing or of another shape.
    """
    shapes = dict(wanted(d, names))
    spare = {names[UNREAD_IF_TIED]} if d.tied else set()
    left = [
        name
        for name in tensors
        if name not in shapes
        and name not in spare
        and not any(fnmatchcase(name, pattern) for pattern in UNREAD)
    ]
    if left:
        shown = ", ".join(left[:SHOWN])
        more = len(left) - SHOWN
        raise UnsupportedTensor(
            say(
                f"This {d.model_type} has tensors that its graph would leave out.",
                f"이 {d.model_type} 모델에는 그래프에 담지 못하는 텐서가 있습니다.",
            ),
            say(
                f"{shown}{f' and {more} more' if more > 0 else ''}.",
                f"{shown}{f' 외 {more}개' if more > 0 else ''}",
            ),
            say(
                "Choose a model of the plain family, or teach the family: converters/README.md.",
                "기본 구조의 모델을 고르거나 converters/README.md를 보고 구조를 추가하세요.",
            ),
        )
    for name, shape in shapes.items():
        info = tensors.get(name)
        if info is None or info.shape != shape:
            found = say("missing", "없음") if info is None else str(info.shape)
            raise CorruptSource(
                say(
                    f"The tensor {name} does not fit the config.",
                    f"텐서 {name}이(가) 설정과 맞지 않습니다.",
                ),
                say(
                    f"Shape {shape} expected, found: {found}.",
                    f"모양 {shape}이어야 하는데 {found}입니다.",
                ),
                say("Get the model again, whole.", "모델을 온전히 다시 받으세요."),
            )
