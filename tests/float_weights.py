"""Tiny models' weights as float32, and their layers one after the other."""

from pathlib import Path

from ondol_converters.budget.chain import LayerChain
from ondol_converters.families import recognise
from ondol_converters.families.decoder import Decoder
from ondol_converters.graph.decoder import DecoderWeights
from ondol_converters.graph.weights import WeightsFile
from ondol_converters.pack import Packer
from ondol_converters.recipe import Options
from ondol_converters.sources import open_source
from tiny_models import CONTEXT, MODELS


def float_weights(name: str, path: Path) -> tuple[Decoder, DecoderWeights]:
    """Write a tiny model's weights into a file, and say where each lies."""
    options = Options(weights="float32", context=CONTEXT)
    with open_source(MODELS / name) as source:
        decoder, names = recognise(source)
        with WeightsFile(path) as file:
            packer = Packer(source, names, decoder, options, file, CONTEXT, lambda *_: None)
            weights = packer.weights()
            file.finish()
    return decoder, weights


def layer_chain(name: str, folder: Path) -> LayerChain:
    """A tiny model's layers; close it."""
    decoder, weights = float_weights(name, folder / "float32.bin")
    (folder / "chain").mkdir()
    return LayerChain(decoder, weights, folder / "float32.bin", folder / "chain")
