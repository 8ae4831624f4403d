"""GroupQueryAttention in numpy, written for reading: one way in, masks spelled out."""

from collections.abc import Mapping

import numpy as np

from ondol_runtimes._operators import Array, Attributes, Inputs, Operator


def attend(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    """GroupQueryAttention of com.microsoft.

    Inputs 0 to 8: query [batch, n, heads·size], or q, k and v beside each other when 1 and 2
    are left out; key and value; past key and value [batch, kv_heads, capacity, size]; last
    position [batch] and total length; cosines and sines [positions, size / 2].

    Gives [batch, n, heads·size] and the present key and value. A past with room for the new
    positions is written in place and is the present, as on devices that share the two.
    """
    heads, kv_heads = said.integer("num_heads"), said.integer("kv_num_heads")
    q, k, v = _apart(given, heads, kv_heads)
    batch, _, count, size = q.shape
    last, total = given[5].ravel(), int(given[6].item())
    keys, values = (_room(given[at], total) for at in (3, 4))
    scale = said.number("scale", 0.0) or size**-0.5
    out = np.empty((batch, count, heads, size), q.dtype)
    for row in range(batch):
        end = int(last[row]) + 1
        if not count <= end <= total:
            raise ValueError(f"{end} of {total} positions with {count} new ones")
        where = np.arange(end - count, end)
        if said.integer("do_rotary", 0):
            q[row], k[row] = (_turn(x[row], where, given, said) for x in (q, k))
        keys[row, :, where] = k[row].swapaxes(0, 1)
        values[row, :, where] = v[row].swapaxes(0, 1)
        seen = _seen(where, end, said.integer("local_window_size", -1))
        for head in range(heads):
            shared = head // (heads // kv_heads)
            scores = q[row, head] @ keys[row, shared, :end].T * scale
            weights = _softmax(_capped(scores, said.number("softcap", 0.0)), seen)
            out[row, :, head] = weights @ values[row, shared, :end]
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


def _room(past: Array, total: int) -> Array:
    """The past itself where it holds `total` positions, else a longer copy."""
    if past.shape[2] >= total:
        return past
    longer = np.zeros((*past.shape[:2], total, past.shape[3]), past.dtype)
    longer[:, :, : past.shape[2]] = past
    return longer


def _turn(x: Array, where: Array, given: Inputs, said: Attributes) -> Array:
    """Rotary embedding of [heads, n, size]: pairs are neighbours, or two halves."""
    cos, sin = (given[at][where].astype(x.dtype) for at in (7, 8))
    turned = 2 * cos.shape[1]
    if said.integer("rotary_interleaved", 0):
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
                "kv_num_heads",
                "local_window_size",
                "num_heads",
                "rotary_interleaved",
                "scale",
                "softcap",
            }
        ),
    )
}
"""The attention operators, to stand beside `_operators.OPERATORS`."""
