"""A key-value cache in 8 bits: the scales that attention divides by, found on a text.

`GroupQueryAttention` of com.microsoft holds keys after their rotation and values as they are, a
scale for each channel (onnxruntime 1.27 and newer, docs/ContribOperators.md). A quarter of the
memory, and faster: its kernel reads the bytes as they lie.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ondol import registry
from ondol.bundle import Bundle
from ondol.plan import plan
from ondol.tokenizer import Tokenizer

WINDOW = 64  # tokens run at once: the graph gives the logits of each
WINDOWS = 16  # from all over the text
MARGIN = 1.1  # other texts reach a little further than the one looked at


@dataclass(frozen=True, slots=True)
class CacheScales:
    """What one step of the integers is worth, float32 [kv_heads * head_dim] each."""

    key: NDArray[np.float32]
    value: NDArray[np.float32]


def cache_scales(
    bundle: Bundle, text: str, interleaved: bool, turned: Sequence[int]
) -> tuple[CacheScales, ...]:
    """The scales of every layer, from the keys and values that a text makes.

    Rotation moves a pair of channels round a circle, so both get the circle's radius: positions
    that the text does not reach are then no surprise.

    Args:
        bundle: the model with a float32 cache.
        text: what to run; spread over it, about a thousand tokens are.
        interleaved: whether a rotated pair are neighbours, else they lie half a head apart.
        turned: how many of a head's first channels each layer rotates.
    """
    model, settings = bundle.decoder, plan(bundle)
    largest = np.zeros((2, model.layers, model.kv_heads, model.head_dim), np.float32)
    tokenizer = Tokenizer.open(bundle.file("tokenizer.json"), bos=model.bos, eos=model.eos)
    empty = np.zeros((1, model.kv_heads, 0, model.head_dim), np.float32)
    parts = [(i, j, part) for i in range(model.layers) for j, part in enumerate(("key", "value"))]
    past = {f"past_key_values.{i}.{part}": empty for i, _, part in parts}
    with registry.runtime("cpu").open_graph(bundle, settings) as session:
        for ids in _windows(tokenizer.encode(text), model.bos, min(WINDOW, settings.context)):
            found = session.run({"input_ids": ids, "attention_mask": np.ones_like(ids), **past})
            for i, j, part in parts:
                values = np.abs(found[f"present.{i}.{part}"][0])
                if part == "key" and turned[i]:
                    pairs = slice(0, turned[i])
                    values[..., pairs] = _radius(values[..., pairs], interleaved)
                np.maximum(largest[j, i], values.max(axis=1), out=largest[j, i])
    steps = np.maximum(largest, 1e-6) * np.float32(MARGIN / 127)
    return tuple(CacheScales(k.ravel(), v.ravel()) for k, v in zip(*steps, strict=True))


def _windows(ids: Sequence[int], bos: int | None, size: int) -> Iterator[NDArray[np.int64]]:
    start = [] if bos is None else [bos]
    own = size - len(start)
    last = max(len(ids) - own, 0)
    for at in sorted({last * number // max(WINDOWS - 1, 1) for number in range(WINDOWS)}):
        yield np.array([[*start, *ids[at : at + own]]], np.int64)


def _radius(keys: NDArray[np.float32], interleaved: bool) -> NDArray[np.float32]:
    """The length of each pair, at both of its places; keys [kv_heads, n, head_dim]."""
    half = keys.shape[-1] // 2
    if interleaved:
        return np.repeat(np.hypot(keys[..., ::2], keys[..., 1::2]), 2, axis=-1)
    return np.tile(np.hypot(keys[..., :half], keys[..., half:]), 2)
