"""Norms and activations in numpy."""

import math
from collections.abc import Mapping

import numpy as np

from ondol_runtimes._operators import Array, Attributes, Inputs, Operator


def rms_norm(x: Array, weight: Array, epsilon: float) -> Array:
    """Each row over its root mean square, times a weight (arXiv 1910.07467)."""
    mean = np.mean(np.square(x), axis=-1, keepdims=True)
    return np.asarray(x / np.sqrt(mean + epsilon) * weight)


def layer_norm(x: Array, weight: Array, bias: Array | None, epsilon: float) -> Array:
    """Each row less its mean over its deviation, weighted and biased (arXiv 1607.06450)."""
    centred = x - np.mean(x, axis=-1, keepdims=True)
    normed = rms_norm(centred, weight, epsilon)
    return normed if bias is None else normed + bias


def _rms(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    _check_axis(given, said)
    return (rms_norm(given[0], given[1], said.number("epsilon", 1e-5)),)


def _layer(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    _check_axis(given, said)
    return (layer_norm(given[0], given[1], given.optional(2), said.number("epsilon", 1e-5)),)


def _skip_rms(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    x = _summed(given, 3)
    return _skipped(rms_norm(x, given[2], said.number("epsilon", 1e-5)), x)


def _skip_layer(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    x = _summed(given, 4)
    epsilon = said.number("epsilon", 1e-5)
    return _skipped(layer_norm(x, given[2], given.optional(3), epsilon), x)


def _check_axis(given: Inputs, said: Attributes) -> None:
    if said.integer("axis", -1) not in (-1, given[0].ndim - 1):
        raise ValueError("only the last axis is normed")


def _summed(given: Inputs, bias: int) -> Array:
    """Input and skip, and the bias of the branch where it has one."""
    x, branch_bias = given[0] + given[1], given.optional(bias)
    return np.asarray(x if branch_bias is None else x + branch_bias)


def _skipped(normed: Array, x: Array) -> tuple[Array, ...]:
    unused = np.empty(0, x.dtype)  # mean and deviation, for training only
    return normed, unused, unused, x


def _gelu(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    x = given[0]
    erf = np.asarray(np.frompyfunc(math.erf, 1, 1)(x * math.sqrt(0.5)), x.dtype)
    return (0.5 * x * (1 + erf),)


def _fast_gelu(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    bias = given.optional(1)
    x = given[0] if bias is None else given[0] + bias
    return (0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),)


def _quick_gelu(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    x, alpha = given[0], said.number("alpha", 1.702)
    return (x * 0.5 * (1 + np.tanh(0.5 * alpha * x)),)  # x times sigmoid, which cannot overflow


LAYERS: Mapping[str, Operator] = {
    "LayerNormalization": Operator(_layer, frozenset({"axis", "epsilon"})),
    "SimplifiedLayerNormalization": Operator(_rms, frozenset({"axis", "epsilon"})),
    "com.microsoft::FastGelu": Operator(_fast_gelu),
    "com.microsoft::Gelu": Operator(_gelu),
    "com.microsoft::QuickGelu": Operator(_quick_gelu, frozenset({"alpha"})),
    "com.microsoft::SkipLayerNormalization": Operator(_skip_layer, frozenset({"epsilon"})),
    "com.microsoft::SkipSimplifiedLayerNormalization": Operator(_skip_rms, frozenset({"epsilon"})),
}
"""To stand beside `_operators.OPERATORS`."""
