"""Ondol's converters: a model in, a bundle out. For build machines, not for devices."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ondol_converters.conversion import Conversion as Conversion
    from ondol_converters.conversion import convert as convert

_HOMES = {"Conversion": "ondol_converters.conversion", "convert": "ondol_converters.conversion"}

__all__ = ["Conversion", "convert"]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'ondol_converters' has no attribute {name!r}")
