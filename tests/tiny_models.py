"""The tiny models of tests/fixtures/models: where they are and what they compute."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ondol.bundle import Bundle
from ondol_converters.recipe import Target, Weights

MODELS = Path(__file__).parent / "fixtures" / "models"
NAMES = (
    "exaone",
    "exaone4",
    "exaone4_full",
    "gemma3",
    "gpt2",
    "gpt_neox",
    "gpt_neox_sequential",
    "gptj",
    "hyperclovax",
    "hyperclovax_plain",
    "llama3",
    "llama_linear",
    "qwen2",
    "qwen2_untied",
    "qwen3",
)
CIRCLES = tuple(name for name in NAMES if not name.startswith("gpt"))
"""Those of which circles are drawn."""

CONTEXT = 128
END = 271


class Tiny(Protocol):
    """Makes the bundle of a tiny model, once for each name, weights and target."""

    def __call__(self, name: str, weights: Weights = "auto", target: Target = "cpu") -> Bundle: ...


@dataclass(frozen=True, slots=True)
class Expected:
    """What transformers computed: see tiny_checkpoints.py."""

    ids: list[int]
    prefill: NDArray[np.float32]
    steps: NDArray[np.float32]


def expected(name: str) -> Expected:
    """The numbers of a tiny model."""
    with np.load(MODELS / name / "expected.npz") as file:
        return Expected(file["ids"].tolist(), file["prefill"], file["steps"])
