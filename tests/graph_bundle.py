"""A bundle of one small graph, made by hand: what an encoder's looks like to a device."""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ondol.bundle import Bundle, entry_of
from ondol.device import Needs
from ondol.manifest import (
    MANIFEST,
    Defaults,
    Licence,
    Manifest,
    Origin,
    Recipe,
    Variant,
)
from ondol.model_facts import EncoderFacts
from tokenizer_maker import sentencepiece

VOCABULARY, WIDTH = 272, 4
TABLE = np.random.default_rng(5).standard_normal((VOCABULARY, WIDTH)).astype(np.float32)


def graph(table: NDArray[np.float32] = TABLE) -> bytes:
    """Mean of the rows of a table that `input_ids` [batch, tokens] names."""
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])
    out = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", WIDTH])
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
        helper.make_node("ReduceMean", ["rows", "axes"], ["embedding"], keepdims=0),
    ]
    constants = [
        numpy_helper.from_array(table, "table"),
        numpy_helper.from_array(np.array([1], np.int64), "axes"),
    ]
    made = helper.make_graph(nodes, "mean", [ids], [out], constants)
    model: onnx.ModelProto = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", 21)], ir_version=10
    )
    return bytes(model.SerializeToString())


def encoder_bundle(folder: Path, model: bytes | None = None) -> Bundle:
    """A bundle around the graph, with a tokenizer of its own."""
    from ondol_converters.tokenizers import from_vocabulary

    folder.mkdir()
    (folder / "model.onnx").write_bytes(model or graph())
    (folder / "tokenizer.json").write_text(from_vocabulary(sentencepiece()).json, "utf-8")
    facts = EncoderFacts(
        "bert", "embed", 1, WIDTH, VOCABULARY, 16, TABLE.size, 0, "mean", False, "", "", ()
    )
    names = ("model.onnx", "tokenizer.json")
    manifest = Manifest(
        ondol_bundle=1,
        name=folder.name,
        created_by="a test",
        model=facts,
        files=tuple(entry_of(folder, name) for name in names),
        variants=(Variant("cpu", "model.onnx", (), Needs(("Gather",), ("float32",), 0)),),
        origins=(Origin("test", 0, "0" * 64),),
        provenance="",
        recipe=Recipe("float32", 16, "full", VOCABULARY, None, "size", (), ()),
        licence=Licence("unknown", "unknown", "", ""),
        defaults=Defaults(),
    )
    (folder / MANIFEST).write_text(manifest.to_json(), "utf-8")
    return Bundle.open(folder)
