"""A layer's attention on the cache: GroupQueryAttention, and what it leaves to other nodes.

It turns q and k itself where the sizes suit its kernel; other sizes are turned by
RotaryEmbedding nodes before it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ondol_converters.families.decoder import Decoder
from ondol_converters.graph.drawing import MICROSOFT, Attribute

if TYPE_CHECKING:
    from ondol_converters.graph.decoder import DecoderPen, Lengths

INT8_CACHE: Mapping[str, Attribute] = {
    "k_quant_type": "PER_CHANNEL",
    "v_quant_type": "PER_CHANNEL",
    "kv_cache_bit_width": 8,
}
"""What attention is told of a cache in 8 bits."""

SCALES_AT = 12  # the input that scales of keys are
TURNED_STEP = 16  # GroupQueryAttention turns multiples of it, of heads that are multiples of it


def turns_apart(d: Decoder) -> bool:
    """Whether q and k are turned by nodes of their own."""
    return bool(d.ropes) and (d.head_dim % TURNED_STEP != 0 or d.turned % TURNED_STEP != 0)


def attend(pen: "DecoderPen", x: str, i: int, lengths: "Lengths") -> str:
    """Attention of layer i before its output projection, keeping k and v in the cache."""
    d, sheet, name, layer = pen.d, pen.sheet, f"layers.{i}.attention", pen.d.layers[i]
    qkv = pen.product(x, f"layers.{i}.qkv")
    tables = [] if layer.rope is None else [sheet.stored(t) for t in pen.w.ropes[layer.rope]]
    apart = bool(tables) and turns_apart(d)
    heads = [qkv, "", ""] if _packed(d) and not apart else _heads(pen, qkv, i, name)
    if apart:
        q, k, v = heads
        turned = [
            _turned(pen, part, count, f"{name}/{word}", lengths, tables)
            for part, count, word in ((q, d.heads, "q"), (k, d.kv_heads, "k"))
        ]
        heads, tables = [*turned, v], []
    held = "int8" if pen.w.cache else "float32"
    shape: list[int | str] = ["batch", d.kv_heads, "context", d.head_dim]
    cache = [sheet.input(f"past_key_values.{i}.{part}", held, shape) for part in ("key", "value")]
    present = [f"present.{i}.key", f"present.{i}.value"]
    said: dict[str, Attribute] = {
        "num_heads": d.heads,
        "kv_num_heads": d.kv_heads,
        "do_rotary": int(bool(tables)),
        "rotary_interleaved": int(d.rotary_interleaved),
        "scale": d.attention_scale,
        "local_window_size": layer.window or -1,
    }
    inputs = [*heads, *cache, lengths.last, lengths.total, *tables]
    if pen.w.cache:
        scales = pen.w.cache[i]
        said |= INT8_CACHE
        inputs += [""] * (SCALES_AT - len(inputs))
        inputs += [sheet.constant(f"{name}/k_scale", scales.key)]
        inputs += [sheet.constant(f"{name}/v_scale", scales.value)]
    attended = sheet.node(
        f"{MICROSOFT}::GroupQueryAttention",
        inputs,
        f"{name}/GroupQueryAttention",
        said,
        [f"{name}/attended", *present],
    )
    for part in present:
        sheet.output(part, held, shape)
    return attended


def _packed(d: Decoder) -> bool:
    """Whether attention takes q, k and v beside each other, as one product gives them."""
    # onnxruntime before 1.31 infers wrong shapes in the other cases
    shaped = d.heads != d.kv_heads and d.heads * d.head_dim == d.hidden
    return shaped and not d.qk_norm


def _heads(pen: "DecoderPen", qkv: str, i: int, name: str) -> list[str]:
    """q, k and v apart; with an RMSNorm over each head of q and k if the family has one."""
    d, sheet = pen.d, pen.sheet
    sizes = [d.heads * d.head_dim, d.kv_heads * d.head_dim, d.kv_heads * d.head_dim]
    split = sheet.constant("qkv_sizes", np.array(sizes, np.int64))
    q, k, v = (f"{name}/{part}" for part in "qkv")
    sheet.node("Split", [qkv, split], f"{name}/Split", {"axis": -1}, [q, k, v])
    if not d.qk_norm:
        return [q, k, v]
    per_head = sheet.constant("per_head", np.array([0, 0, -1, d.head_dim], np.int64))
    flat = sheet.constant("flat", np.array([0, 0, -1], np.int64))
    normed = []
    for x, part in ((q, "q_norm"), (k, "k_norm")):
        alone = sheet.node("Reshape", [x, per_head], f"{name}/{part}/Reshape")
        done = pen.norm(alone, f"layers.{i}.{part}", "rms")
        normed.append(sheet.node("Reshape", [done, flat], f"{name}/{part}/Flatten"))
    return [*normed, v]


def _turned(
    pen: "DecoderPen", x: str, count: int, name: str, lengths: "Lengths", tables: list[str]
) -> str:
    """q or k [1, n, count * head_dim] turned by its positions."""
    said: dict[str, Attribute] = {
        "num_heads": count,
        "rotary_embedding_dim": pen.d.turned,
        "interleaved": int(pen.d.rotary_interleaved),
    }
    inputs = [x, lengths.before, *tables]
    return pen.sheet.node(f"{MICROSOFT}::RotaryEmbedding", inputs, f"{name}/Rotary", said)
