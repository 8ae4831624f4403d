"""Models whose embedding and output matrix are one matrix, stored twice in different roundings.

Some GGUF files do so although the model ties the two. Under a budget one copy serves for both:
what that loses is scored with everything else.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ondol_converters.families.decoder import Decoder
from ondol_converters.quantise.blocks import dense, row_bytes
from ondol_converters.sources import Source

SAMPLES = 256  # rows compared, spread over the vocabulary
NEAR = 0.1
"""Roundings to 5 and 8 bits differ by 0.02 to 0.04 of the values' size; matrices that were trained
apart by 1 and more."""


def tied(
    source: Source, decoder: Decoder, names: Mapping[str, str]
) -> tuple[Decoder, Mapping[str, str]]:
    """The decoder with one matrix for both, and the names it is read by, where the two are twins.

    The one that is stored in more bytes is kept. Otherwise both are given back as they are.
    """
    if decoder.tied or decoder.head_bias:
        return decoder, names
    kinds = [source.tensors[names[part]].kind for part in ("embedding", "head")]
    rows = np.unique(np.linspace(0, decoder.vocabulary - 1, SAMPLES).astype(int))
    first, second = (
        np.concatenate(
            [dense(source.read(names[part], r, r + 1), kind, decoder.hidden) for r in rows]
        )
        for part, kind in zip(("embedding", "head"), kinds, strict=True)
    )
    apart = float(np.linalg.norm(first - second)) / max(float(np.linalg.norm(second)), 1e-12)
    if not apart <= NEAR:
        return decoder, names
    sizes = [row_bytes(kind, decoder.hidden) for kind in kinds]
    if sizes[1] > sizes[0]:
        names = {**names, "embedding": names["head"], "head": names["embedding"]}
    return replace(decoder, tied=True), names
