"""Several graphs on one weights file: tensors that are alike are in it once."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import onnx
from onnx import TensorProto, numpy_helper

from ondol.files import write_whole
from ondol_converters.graph.weights import Stored, WeightsFile

OUTSIDE_FROM = 1024  # bytes: smaller tensors stay in the graphs


def save_together(models: Mapping[str, onnx.ModelProto], folder: Path, weights: str) -> None:
    """Write graphs by their files' names, and the weights of all of them into one file.

    Args:
        models: whole ones; their tensors are taken out of them.
        folder: where the files go.
        weights: the name of the weights file.
    """
    known: dict[str, Stored] = {}
    with WeightsFile(folder / weights) as file:
        for model in models.values():
            for tensor in model.graph.initializer:
                if tensor.ByteSize() >= OUTSIDE_FROM:
                    _move(tensor, file, known, weights)
        file.finish()
    for name, model in models.items():
        write_whole(folder / name, model.SerializeToString())


def _move(tensor: TensorProto, file: WeightsFile, known: dict[str, Stored], weights: str) -> None:
    values = numpy_helper.to_array(tensor)
    key = f"{tensor.data_type} {values.shape} {hashlib.sha256(values.tobytes()).hexdigest()}"
    if key not in known:
        known[key] = file.add(tensor.name, values.dtype.name, values.shape, [values])
    place = known[key]
    for field in ("raw_data", "float_data", "int32_data", "int64_data", "external_data"):
        tensor.ClearField(field)
    tensor.data_location = TensorProto.EXTERNAL
    entries = {"location": weights, "offset": str(place.offset), "length": str(place.length)}
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
