"""`ondol` with two more devices, run as a script by tests.

`parrot` says what the variable ONDOL_PARROT holds, then ends; `slow` is `null` with a rest
before every token, and creates the file that ONDOL_STARTED names when it begins.
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ondol import registry
from ondol.bundle import Bundle
from ondol.cli import main
from ondol.plan import Plan
from ondol.runtime import DecoderSession
from ondol.tokenizer import Tokenizer
from ondol_runtimes.null import NullDecoder, NullRuntime

REST_SECONDS = float(os.environ.get("ONDOL_REST", "0.05"))


class _Slow(NullDecoder):
    def _append(self, ids: Sequence[int]) -> NDArray[np.float32]:
        if started := os.environ.get("ONDOL_STARTED"):
            Path(started).touch()
        time.sleep(REST_SECONDS)
        return super()._append(ids)


class SlowRuntime(NullRuntime):
    name = "slow"

    def _open(self, bundle: Bundle, plan: Plan) -> DecoderSession:
        return _Slow(bundle, plan)


class _Parrot(NullDecoder):
    def __init__(self, bundle: Bundle, plan: Plan) -> None:
        super().__init__(bundle, plan)
        facts = bundle.decoder
        tokenizer = Tokenizer.open(bundle.file("tokenizer.json"), bos=facts.bos, eos=facts.eos)
        self._script = [*tokenizer.encode(os.environ["ONDOL_PARROT"]), facts.eos[0]]
        self._said = 0

    def _append(self, ids: Sequence[int]) -> NDArray[np.float32]:
        logits = np.zeros(self.vocabulary, np.float32)
        logits[self._script[self._said % len(self._script)]] = 1.0
        self._said += 1
        return logits


class ParrotRuntime(NullRuntime):
    name = "parrot"

    def _open(self, bundle: Bundle, plan: Plan) -> DecoderSession:
        return _Parrot(bundle, plan)


if __name__ == "__main__":
    sys.modules["acting_cli"] = sys.modules["__main__"]
    registry.DEVICES["slow"] = "acting_cli:SlowRuntime"
    registry.DEVICES["parrot"] = "acting_cli:ParrotRuntime"
    main()
