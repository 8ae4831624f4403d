"""A layer's MLP: gated or plain, between two matrices."""

from typing import TYPE_CHECKING

import numpy as np

from ondol_converters.graph.drawing import MICROSOFT, Attribute

if TYPE_CHECKING:
    from ondol_converters.graph.decoder import DecoderPen

ACTIVATIONS: dict[str, tuple[str, dict[str, Attribute]]] = {
    "silu": (f"{MICROSOFT}::QuickGelu", {"alpha": 1.0}),
    "gelu": (f"{MICROSOFT}::Gelu", {}),
    "gelu_tanh": (f"{MICROSOFT}::FastGelu", {}),
}
"""The operator of an activation, and its attributes."""


def feed_forward(pen: "DecoderPen", x: str, i: int) -> str:
    """The MLP of layer i on x [1, n, hidden]."""
    d, sheet, name = pen.d, pen.sheet, f"layers.{i}.mlp"
    op, said = ACTIVATIONS[d.activation]
    if not d.gated:
        inner = pen.product(x, f"layers.{i}.up")
        return pen.product(sheet.node(op, [inner], f"{name}/Activation", said), f"layers.{i}.down")
    both = pen.product(x, f"layers.{i}.gate_up")
    halves = sheet.constant("gate_up_sizes", np.array([d.intermediate] * 2, np.int64))
    gate, up = f"{name}/gate", f"{name}/up"
    sheet.node("Split", [both, halves], f"{name}/Split", {"axis": -1}, [gate, up])
    active = sheet.node(op, [gate], f"{name}/Activation", said)
    product = sheet.node("Mul", [active, up], f"{name}/Mul")
    return pen.product(product, f"layers.{i}.down")
