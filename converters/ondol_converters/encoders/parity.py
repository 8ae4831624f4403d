"""A finished bundle beside transformers: how far apart they are, and how far they may be."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ondol.errors import ConversionMismatch
from ondol.language import say

MOST = {"float32": 1e-3, "int8": 0.3}
"""The largest difference over the largest value where only the order of sums differs; the root
mean square of both where numbers are rounded to 8 bits."""

TEXTS = (
    "안녕하세요.",
    "서울은 대한민국의 수도이며, 한강이 도시 한가운데를 흐른다.",
    "온돌은 아궁이에서 때는 불로 방바닥을 데우는 난방 방식입니다. It warms the floor.",
    "2026년 11월 25일, 김민수 씨는 부산에서 KTX를 탔다!",
)
"""What both read: texts of unlike length, so that padding is tried too."""

Arrays = Mapping[str, NDArray[np.float32]]


def difference(kind: str, found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """How far apart two arrays are, as weights of this kind are judged; infinite for shapes."""
    if found.shape != wanted.shape:
        return float("inf")
    apart = found.astype(np.float64) - wanted
    if kind == "int8":
        return float(np.linalg.norm(apart) / max(float(np.linalg.norm(wanted)), 1e-12))
    return float(np.abs(apart).max() / max(float(np.abs(wanted).max()), 1e-12))


def require(kind: str, differences: Sequence[float]) -> float:
    """The largest of the differences.

    Raises:
        ConversionMismatch: if it is more than weights of this kind can explain.
    """
    worst = max(differences)
    if not worst <= MOST[kind]:
        raise ConversionMismatch(
            say(
                "The converted model does not compute what the original does.",
                "변환한 모델의 계산이 원본과 다릅니다.",
            ),
            say(
                f"They differ by {worst:.2g} of its values; {MOST[kind]:g} is allowed.",
                f"값의 {worst:.2g}만큼 다릅니다. {MOST[kind]:g}까지 괜찮습니다.",
            ),
            say(
                "Nothing was kept. Try --weights float32, and report it.",
                "아무것도 남기지 않았습니다. --weights float32로 해 보고 알려 주세요.",
            ),
        )
    return worst


def pooled(
    hidden: NDArray[np.float32], mask: NDArray[np.int64], pooling: str, normalised: bool
) -> NDArray[np.float32]:
    """Vectors [batch, width] of hidden states [batch, tokens, width], as the graph makes them."""
    if pooling == "mean":
        weights = mask[:, :, None].astype(np.float32)
        vectors = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
    else:
        vectors = hidden[:, 0]
    if normalised:
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors, np.float32)
