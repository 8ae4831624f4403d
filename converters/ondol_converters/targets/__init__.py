"""Targets as data: what a bundle for one is like. Adding one: a file here and its name below."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

TARGETS = ("cpu", "npu", "one")
"""What bundles are converted for."""

COMPILED = ("qnn",)
"""What another target's graphs are compiled for, when they are opened or by `ondol compile`."""


@dataclass(frozen=True, slots=True)
class Target:
    """What graphs for a target are like.

    `static` ones have fixed shapes: a cache of at most `context` positions, and `bucket` tokens at
    a time in prefill; an encoder has a graph for each of `lengths`. `activations` are the ways to
    store them, the default first: a16w8 is activations in 16 bits and weights in 8.
    `operators` are those that are quantised. `graphs` is the target whose graphs it takes, where
    it is another.
    """

    name: str
    static: bool
    activations: tuple[str, ...]
    context: int = 0
    bucket: int = 0
    lengths: tuple[int, ...] = ()
    operators: tuple[str, ...] = ()
    graphs: str = ""


def target(name: str) -> Target:
    """A target by its name, one of `TARGETS` or `COMPILED`."""
    said: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in table(name)["target"].items()
    }
    return Target(**said)


def table(name: str) -> dict[str, Any]:
    """A target's whole file: see `operators` for its other tables."""
    return tomllib.loads((files("ondol_converters.targets") / f"{name}.toml").read_text("utf-8"))
