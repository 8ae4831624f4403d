"""Attention and rotary embedding in numpy, written for reading: one way in, masks spelled out."""

from collections.abc import Mapping

import numpy as np

from ondol_runtimes._operators import Array, Attributes, Inputs, Operator

INT8_BITS = 8


def attend(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    """GroupQueryAttention of com.microsoft.

    Inputs 0 to 8: query [batch, n, heads·size], or q, k and v beside each other when 1 and 2
    are left out; key and value; past key and value [batch, kv_heads, capacity, size]; last
    position [batch] and total length; cosines and sines [positions, size / 2]. Inputs 12 and 13,
    where the past is int8: scales of keys and values [kv_heads·size], or one of all.

    Gives [batch, n, heads·size] and the present key and value. A past with room for the new
    positions is written in place and is the present, as on devices that share the two.
    """
    heads, kv_heads = said.integer("num_heads"), said.integer("kv_num_heads")
    q, k, v = _apart(given, heads, kv_heads)
    batch, _, count, size = q.shape
    last, total = given[5].ravel(), int(given[6].item())
    keys, values = (_room(given[at], total) for at in (3, 4))
    scale = said.number("scale", 0.0) or size**-0.5
    scales = [_scales(given, said, part, at, kv_heads) for part, at in (("k", 12), ("v", 13))]
    out = np.empty((batch, count, heads, size), q.dtype)
    for row in range(batch):
        end = int(last[row]) + 1
        if not count <= end <= total:
            raise ValueError(f"{end} of {total} positions with {count} new ones")
        where = np.arange(end - count, end)
        if said.integer("do_rotary", 0):
            interleaved = bool(said.integer("rotary_interleaved", 0))
            q[row], k[row] = (
                _turn(x[row], given[7][where], given[8][where], interleaved) for x in (q, k)
            )
        for cache, new, scale_of in ((keys, k, scales[0]), (values, v, scales[1])):
            cache[row, :, where] = _held(new[row], scale_of).swapaxes(0, 1)
        held = [_back(c[row, :, :end], s) for c, s in ((keys, scales[0]), (values, scales[1]))]
        seen = _seen(where, end, said.integer("local_window_size", -1))
        for head in range(heads):
            shared = head // (heads // kv_heads)
            scores = q[row, head] @ held[0][shared].T * scale
            weights = _softmax(_capped(scores, said.number("softcap", 0.0)), seen)
            out[row, :, head] = weights @ held[1][shared]
    return out.reshape(batch, count, heads * size), keys, values


def _apart(given: Inputs, heads: int, kv_heads: int) -> tuple[Array, Array, Array]:
    """q, k and v, each [batch, its heads, n, size], as copies."""
    if heads < 1 or kv_heads < 1 or heads % kv_heads:
        raise ValueError(f"{heads} heads over {kv_heads}")
    query, key = given[0], given.optional(1)
    if key is None:
        size = query.shape[2] // (heads + 2 * kv_heads)
        cuts = [heads * size, (heads + kv_heads) * size]
        parts = np.split(query, cuts, axis=2)
    else:
        parts = [query, key, given[2]]
    batch, count = query.shape[:2]
    q, k, v = (
        part.reshape(batch, count, number, -1).swapaxes(1, 2).copy()
        for part, number in zip(parts, (heads, kv_heads, kv_heads), strict=True)
    )
    return q, k, v


def _scales(given: Inputs, said: Attributes, part: str, at: int, kv_heads: int) -> Array | None:
    """Scales of an int8 cache [kv_heads, 1, size or 1], or None where it holds floats."""
    kind = said.word(f"{part}_quant_type", "NONE")
    if kind == "NONE":
        return None
    if said.integer("kv_cache_bit_width", 0) != INT8_BITS:
        raise ValueError("a cache of other than 8 bits")
    if kind == "PER_TENSOR":
        return given[at].reshape(1, 1, 1)
    return given[at].reshape(kv_heads, 1, -1)


def _held(new: Array, scales: Array | None) -> Array:
    """New keys or values [kv_heads, n, size] as the cache holds them."""
    if scales is None:
        return new
    return np.asarray(np.clip(np.rint(new / scales), -128, 127).astype(np.int8))


def _back(cached: Array, scales: Array | None) -> Array:
    """What the cache holds, as numbers."""
    return cached if scales is None else np.asarray(cached * scales)


def _room(past: Array, total: int) -> Array:
    """The past itself where it holds `total` positions, else a longer copy."""
    if past.shape[2] >= total:
        return past
    longer = np.zeros((*past.shape[:2], total, past.shape[3]), past.dtype)
    longer[:, :, : past.shape[2]] = past
    return longer


def rotate(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    """RotaryEmbedding of com.microsoft.

    Inputs: [batch, n, heads·size]; the first position [1], or every one [batch, n]; cosines and
    sines [positions, turned / 2].
    """
    heads, positions = said.integer("num_heads"), given[1]
    batch, count, width = given[0].shape
    if heads < 1 or width % heads or said.integer("rotary_embedding_dim") != 2 * given[2].shape[1]:
        raise ValueError(f"{width} elements in {heads} heads, tables of {given[2].shape}")
    where = positions.ravel() + np.arange(count) if positions.size == 1 else positions
    cos, sin = (
        np.broadcast_to(t[where], (batch, count, t.shape[1]))[:, None] for t in (given[2], given[3])
    )
    x = given[0].reshape(batch, count, heads, -1).swapaxes(1, 2)
    out = _turn(x, cos, sin, bool(said.integer("interleaved", 0)))
    return (out.swapaxes(1, 2).reshape(batch, count, width),)


def _turn(x: Array, cos: Array, sin: Array, interleaved: bool) -> Array:
    """Rotary embedding of [.., heads, n, size]: pairs are neighbours, or two halves.

    `cos` and `sin` are [.., n, turned / 2]; what lies behind the turned elements stays.
    """
    cos, sin = cos.astype(x.dtype), sin.astype(x.dtype)
    turned = 2 * cos.shape[-1]
    if interleaved:
        first, second = slice(0, turned, 2), slice(1, turned, 2)
    else:
        first, second = slice(0, turned // 2), slice(turned // 2, turned)
    out = x.copy()
    out[..., first] = x[..., first] * cos - x[..., second] * sin
    out[..., second] = x[..., second] * cos + x[..., first] * sin
    return out


def _seen(where: Array, end: int, window: int) -> Array:
    """Which of `end` keys each query sees: itself and those before, `window` in all if >= 0."""
    ago = where[:, None] - np.arange(end)
    return (ago >= 0) & ((ago < window) | (window < 0))


def _capped(scores: Array, cap: float) -> Array:
    return np.asarray(cap * np.tanh(scores / cap)) if cap else scores


def _softmax(scores: Array, seen: Array) -> Array:
    masked = np.where(seen, scores, -np.inf)
    raised = np.exp(masked - masked.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


ATTENTION: Mapping[str, Operator] = {
    "com.microsoft::GroupQueryAttention": Operator(
        attend,
        frozenset(
            {
                "do_rotary",
                "k_quant_type",
                "kv_cache_bit_width",
                "kv_num_heads",
                "local_window_size",
                "num_heads",
                "rotary_interleaved",
                "scale",
                "softcap",
                "v_quant_type",
            }
        ),
    ),
    "com.microsoft::RotaryEmbedding": Operator(
        rotate, frozenset({"interleaved", "num_heads", "rotary_embedding_dim"})
    ),
}
"""The attention operators, to stand beside `_operators.OPERATORS`."""
