"""Graphs quantised by ONNX Runtime's own quantiser: static QDQ pairs, or dynamic in 8 bits.

Both take a float graph in a file and write another; neither changes its inputs and outputs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ondol.errors import OptionError
from ondol.language import say
from ondol_converters.encoders.hushing import hushed
from ondol_converters.onnxruntime_door import quantisation

Feeds = Mapping[str, NDArray[np.generic]]

ACTIVATIONS = {"a16w8": "QUInt16", "a8w8": "QUInt8"}
"""The types of activations by the names of schemes; weights are int8, a scale for each row."""


def static_qdq(
    model: Path,
    out: Path,
    readings: Iterable[Feeds],
    activations: str,
    operators: Sequence[str],
    kept: Sequence[str] = (),
) -> None:
    """Quantise weights and activations; ranges are the least and the most that readings show.

    Args:
        readings: inputs to run the graph on, at least one.
        activations: "a16w8" or "a8w8".
        operators: the types of nodes to quantise; the others stay in float.
        kept: nodes by name that stay in float too.

    Raises:
        OptionError: if the scheme is not known, or there are no readings.
    """
    if activations not in ACTIVATIONS:
        raise OptionError(
            say(
                f"No such activations: {activations!r}.",
                f"활성값 형식에 쓸 수 없는 값입니다: {activations!r}",
            ),
            say(f"Known: {', '.join(ACTIVATIONS)}.", f"아는 값: {', '.join(ACTIVATIONS)}"),
        )
    feeds = iter(readings)
    first = next(feeds, None)
    if first is None:
        raise OptionError(
            say("There is nothing to calibrate with.", "보정에 쓸 입력이 없습니다."),
            say("Ranges are found by running the graph.", "그래프를 실행해 범위를 찾습니다."),
            say("Give a text with --text.", "--text로 글을 주세요."),
        )
    reader = _reader(chain([first], feeds))
    ours = quantisation()
    with hushed():
        ours.quantize_static(
            model,
            out,
            reader,
            quant_format=ours.QuantFormat.QDQ,
            op_types_to_quantize=list(operators),
            nodes_to_exclude=list(kept),
            per_channel=True,
            activation_type=getattr(ours.QuantType, ACTIVATIONS[activations]),
            weight_type=ours.QuantType.QInt8,
            use_external_data_format=True,
            calibrate_method=ours.CalibrationMethod.MinMax,
            extra_options={"WeightSymmetric": True, "ActivationSymmetric": False},
        )


def dynamic_int8(model: Path, out: Path, operators: Sequence[str]) -> None:
    """Quantise weights to int8, a scale for each column; activations while the graph runs."""
    ours = quantisation()
    with hushed():
        ours.quantize_dynamic(
            model,
            out,
            op_types_to_quantize=list(operators),
            per_channel=True,
            weight_type=ours.QuantType.QInt8,
            use_external_data_format=True,
        )


def _reader(readings: Iterable[Feeds]) -> Any:
    base: Any = quantisation().CalibrationDataReader

    class Reader(base):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            self._rest: Iterator[Feeds] = iter(readings)

        def get_next(self) -> Any:
            following = next(self._rest, None)
            return None if following is None else dict(following)

    return Reader()
