"""Personal data in Korean text: found with a confidence, masked, and given back to the caller."""

from ondol.privacy.finding import find
from ondol.privacy.found import KINDS, Found, Kind, kind
from ondol.privacy.guard import guarded, guarded_values
from ondol.privacy.masking import Key, Masked, mask
from ondol.privacy.tagged import tagged

__all__ = [
    "Found",
    "KINDS",
    "Key",
    "Kind",
    "Masked",
    "find",
    "guarded",
    "guarded_values",
    "kind",
    "mask",
    "tagged",
]
