"""Any float32 matrix into blocks, by the method that a layout names."""

from typing import TYPE_CHECKING

import numpy as np

from ondol.errors import CorruptSource, OptionError
from ondol.language import say
from ondol_converters.quantise.awq import clipped
from ondol_converters.quantise.blocks import chunks
from ondol_converters.quantise.gptq import Factor, factor, gptq
from ondol_converters.quantise.repack import DIVISORS, ZERO, Blocks, nearest
from ondol_converters.quantise.search import search
from ondol_converters.recipe import BLOCKS, CALIBRATED, Layout

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Grid = tuple[NDArray[np.uint8], Floats]

METHODS = ("nearest", "search", "gptq", "awq")
"""How values can be put on a grid."""


def quantise(values: "Floats", layout: Layout, gram: "Floats | Factor | None" = None) -> Blocks:
    """Round a matrix, or a run of its rows, to symmetric blocks of `MatMulNBits`.

    Args:
        values: float32 [rows, columns].
        layout: bits 4 or 8, block 16 to 128, and a method: "nearest" tries a few scales for
            each block, "search" many, weighted by the gram's diagonal where there is one, "awq"
            weighs them by the gram of the block (`ondol_converters.quantise.awq`), "gptq"
            also carries errors along the row (`ondol_converters.quantise.gptq`).
        gram: X^T X of the inputs X [tokens, columns], float32 [columns, columns], or its
            `Factor`, which many runs of rows can share.

    Raises:
        OptionError: for a layout that is none, or a method that lacks its gram.
        CorruptSource: if a value is a NaN or an infinity.
    """
    _check(layout, gram)
    if not np.isfinite(values).all():
        raise CorruptSource(
            say("A weight is not a number.", "가중치에 수가 아닌 값이 있습니다."),
            say("A row holds a NaN or an infinity.", "행에 NaN이나 무한대가 있습니다."),
            say("Download the model again.", "모델을 다시 내려받으세요."),
        )
    columns = values.shape[1]
    spare = -columns % layout.block
    whole = np.pad(values, ((0, 0), (0, spare))) if spare else values
    known = _padded(gram, columns, spare)
    if layout.method == "gptq" and not isinstance(known, Factor):
        known = factor(_given(known))
    quants = np.empty(whole.shape, np.uint8)
    scales = np.empty((len(whole), whole.shape[1] // layout.block), np.float32)
    if isinstance(known, Factor) and layout.method == "gptq":
        quants[:], scales[:] = gptq(whole, layout.bits, layout.block, known)
    else:
        plain = known.gram if isinstance(known, Factor) else known
        for rows in chunks(len(whole), whole.shape[1]):
            quants[rows], scales[rows] = _alone(whole[rows], layout, plain)
    return _blocks(quants, scales, layout)


def _alone(values: "Floats", layout: Layout, gram: "Floats | None") -> "Grid":
    """The methods for which a block is a matter of its own."""
    blocks = values.reshape(len(values), -1, layout.block)
    if layout.method == "nearest":
        flat = blocks.reshape(-1, layout.block)
        found, scales = nearest(flat, layout.bits, DIVISORS[layout.bits])
        return found.reshape(values.shape), scales.reshape(blocks.shape[:2])
    if layout.method == "awq":
        found, scales = clipped(blocks, layout.bits, _given(gram))
    else:
        weights = None if gram is None else _weights(gram, layout.block)
        found, scales = search(blocks, layout.bits, weights)
    return found.reshape(values.shape), scales


def _weights(gram: "Floats", block: int) -> "Floats":
    """The gram's diagonal in blocks, its mean 1."""
    diagonal: Floats = np.maximum(np.diagonal(gram), np.float32(0))
    mean = np.float32(diagonal.mean())
    return (diagonal / mean if mean > 0 else np.ones_like(diagonal)).reshape(-1, block)


def _padded(gram: "Floats | Factor | None", columns: int, spare: int) -> "Floats | Factor | None":
    if gram is None:
        return None
    square = gram.gram if isinstance(gram, Factor) else gram
    if square.shape != (columns, columns):
        raise ValueError(f"a gram of {square.shape} for {columns} columns")
    if not spare:
        return gram
    more = np.pad(square, (0, spare))
    if not isinstance(gram, Factor):
        return more
    upper = np.pad(gram.upper, (0, spare))
    np.fill_diagonal(upper[columns:, columns:], 1)
    return Factor(more, upper)


def _blocks(quants: "NDArray[np.uint8]", scales: "Floats", layout: Layout) -> Blocks:
    grouped = quants.reshape(*scales.shape, layout.block)
    if layout.bits == 4:
        grouped = grouped[..., ::2] | (grouped[..., 1::2] << np.uint8(4))
    return Blocks(layout.bits, layout.block, grouped, scales)


def _given(gram: "Floats | None") -> "Floats":
    if gram is None:
        raise OptionError(
            say(
                "This method needs activations of the model.",
                "이 방법에는 모델의 활성값이 필요합니다.",
            ),
            say("No calibration was made.", "보정을 하지 않았습니다."),
            say("Give calibration text: --calibration FILE", "보정할 글을 주세요: --calibration"),
        )
    return gram


def _check(layout: Layout, gram: "Floats | Factor | None") -> None:
    if layout.bits not in ZERO or layout.block not in BLOCKS or layout.method not in METHODS:
        raise OptionError(
            say(
                f"No kernel reads {layout.bits} bits in {layout.block}s by {layout.method}.",
                f"{layout.bits}비트 {layout.block}개 묶음 {layout.method} 방식은 못 씁니다.",
            ),
            say(
                f"Bits are 4 or 8, blocks {BLOCKS}, methods {METHODS}.",
                f"비트는 4나 8, 묶음은 {BLOCKS}, 방식은 {METHODS} 가운데 고릅니다.",
            ),
            say("Choose 8 bits in blocks of 32 by search.", "8비트, 묶음 32, search를 고르세요."),
        )
    if layout.method in CALIBRATED and gram is None:
        _given(gram)
