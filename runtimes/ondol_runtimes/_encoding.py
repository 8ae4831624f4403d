"""Operators of encoder graphs in numpy: attention both ways, pooling."""

from collections.abc import Mapping

import numpy as np

from ondol_runtimes._operators import Array, Attributes, Inputs, Operator

MASKED = -np.inf


def _div(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    return (given[0] / given[1],)


def _unsqueeze(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    return (np.expand_dims(given[0], tuple(given[1].tolist())),)


def _mean(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    axes = tuple(given[1].tolist())
    return (np.asarray(given[0].mean(axis=axes, keepdims=bool(said.integer("keepdims", 1)))),)


def _unit(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    if said.integer("p", 2) != 2:
        raise ValueError("only lengths of Euclid")
    return (given[0] / np.linalg.norm(given[0], axis=said.integer("axis", -1), keepdims=True),)


def attend(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    """MultiHeadAttention of com.microsoft, of which every token sees every other.

    Inputs: query, key, value [batch, n, heads·size]; input 4, where it is given, is the mask
    [batch, n], 0 at padding.
    """
    heads = said.integer("num_heads")
    if any(given.optional(at) is not None for at in (3, 5, 6, 7)):
        raise ValueError("bias, attention_bias or past")
    batch, count, width = given[0].shape
    q, k, v = (
        given[at].reshape(batch, -1, heads, width // heads).swapaxes(1, 2) for at in range(3)
    )
    scores = q @ k.swapaxes(2, 3) * (said.number("scale", 0.0) or (width // heads) ** -0.5)
    mask = given.optional(4)
    if mask is not None:
        scores = np.where(mask[:, None, None, :] > 0, scores, MASKED)
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares = raised / raised.sum(axis=-1, keepdims=True)
    return ((shares @ v).swapaxes(1, 2).reshape(batch, count, width),)


ENCODING: Mapping[str, Operator] = {
    "Div": Operator(_div),
    "LpNormalization": Operator(_unit, frozenset({"axis", "p"})),
    "ReduceMean": Operator(_mean, frozenset({"keepdims"})),
    "Unsqueeze": Operator(_unsqueeze),
    "com.microsoft::MultiHeadAttention": Operator(attend, frozenset({"num_heads", "scale"})),
}
"""To stand beside `_operators.OPERATORS`."""
