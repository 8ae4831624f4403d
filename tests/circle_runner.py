"""ONNX models translated to circle and run on onert, beside ONNX Runtime on the same model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from ondol_converters.onnxruntime_door import onnxruntime

pytest.importorskip("onert", reason="no wheel of onert for this machine")
pytest.importorskip("circle_schema")

from ondol.target_reports import OneReport
from ondol_converters.circle.file import CircleFile
from ondol_converters.circle.translation import options, translate
from ondol_runtimes.one.prepared import Prepared

Arrays = Mapping[str, NDArray[Any]]
MICROSOFT = "com.microsoft"


def model_of(
    nodes: Sequence[onnx.NodeProto], inputs: Arrays, outputs: Sequence[str], constants: Arrays
) -> onnx.ModelProto:
    """A model whose inputs are of these arrays' shapes."""
    graph = helper.make_graph(
        nodes,
        "test",
        [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
            )
            for name, array in inputs.items()
        ],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid(MICROSOFT, 1)]
    made: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return made


def unloadable(path: Path) -> bytes:
    """A circle file that onert refuses: of RMS_NORM it wants three axes."""
    file = CircleFile("refused")
    x = file.input("x", "float32", [1, 4])
    gamma = file.constant("gamma", np.ones(4, np.float32))
    said = options("RmsNormOptions", epsilon=1e-6)
    file.output("y", file.operator("RMS_NORM", [x, gamma], [("y", "float32", [1, 4])], said)[0])
    file.write(path, lambda *_: None)
    return path.read_bytes()


def prepared(file: CircleFile, folder: Path, sizes: Mapping[str, Sequence[int]]) -> Prepared:
    """A circle written, and prepared on onert for inputs of these sizes."""
    path = folder / "test.circle"
    file.write(path, lambda *_: None)
    ports = tuple(file.inputs), tuple(file.outputs)
    said = OneReport(file.operators(), (), (), path.stat().st_size, *ports)
    return Prepared(str(path), said, sizes, 1)


def on_onert(model: onnx.ModelProto, folder: Path, feeds: Arrays) -> dict[str, NDArray[Any]]:
    """What onert makes of the inputs, resized to them; flat."""
    file = translate(model, folder).file
    graph = prepared(file, folder, {name: feed.shape for name, feed in feeds.items()})
    for name, array in feeds.items():
        graph.feed(name, np.ascontiguousarray(array))
    graph.run()
    return {port.name: graph.output(port.name) for port in file.outputs}


def on_onnxruntime(model: onnx.ModelProto, feeds: Arrays) -> dict[str, NDArray[Any]]:
    """What ONNX Runtime makes of them."""
    ort = onnxruntime()
    for value in model.graph.input:
        del value.type.tensor_type.shape.dim[:]
        for size in feeds[value.name].shape:
            value.type.tensor_type.shape.dim.add(dim_value=size)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(feeds)), strict=True))
