"""A child process that opens a bundle and answers; prints what was predicted and what it took."""

import json
import sys
from importlib.resources import files
from pathlib import Path

from ondol import registry
from ondol.bundle import Bundle
from ondol.encoder import Encoder
from ondol.fitting import footprint
from ondol.memory import peak_resident_bytes
from ondol.model_facts import EncoderFacts
from ondol.plan import BATCH, FLOAT_BATCH, Plan, plan
from ondol.tokenizer import Tokenizer

ANSWER = 4


def main(path: str, tokens: int, prefill: str) -> None:
    """Print predicted and measured bytes at the peak, and what was predicted by part."""
    bundle = Bundle.open(Path(path))
    text = (files("ondol") / "texts" / "eval_ko.txt").read_text(encoding="utf-8")
    settings = plan(bundle)
    integer = prefill == "integer"
    settings = Plan(settings.context, 2, integer, batch=BATCH if integer else FLOAT_BATCH)
    encoder = isinstance(bundle.manifest.model, EncoderFacts)
    seen = footprint(bundle, settings, tokens)
    if encoder:
        with Encoder.open(bundle, threads=2) as model:
            ids = model.tokenizer.encode(text)[: tokens - 8]
            model.embed([model.tokenizer.decode(ids)])
    else:
        tokenizer = Tokenizer.of(bundle)
        with registry.runtime("cpu").open(bundle, settings) as session:
            ids = (tokenizer.encode(text) * 9)[: tokens - ANSWER]
            token = int(session.append(ids).argmax())
            for _ in range(ANSWER):
                token = int(session.append([token]).argmax())
    print(json.dumps([seen.peak, peak_resident_bytes()]))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
