"""Ondol (온돌): small Korean AI models on the device.

Importing this module imports nothing heavy; each public name is loaded when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ondol.assistant import Assistant as Assistant
    from ondol.availability import Availability as Availability
    from ondol.bundle import Bundle as Bundle
    from ondol.choice import Choice as Choice
    from ondol.choice import pick as pick
    from ondol.encoder import Encoder as Encoder
    from ondol.engine import Engine as Engine
    from ondol.errors import OndolError as OndolError
    from ondol.label import Label as Label
    from ondol.privacy import mask as mask
    from ondol.sampling import Sampling as Sampling
    from ondol.session import Conversation as Conversation
    from ondol.speech import Recogniser as Recogniser
    from ondol.tokenizer import Tokenizer as Tokenizer

__version__ = "0.1.0"

_HOMES = {
    "Assistant": "ondol.assistant",
    "Availability": "ondol.availability",
    "Bundle": "ondol.bundle",
    "Choice": "ondol.choice",
    "Conversation": "ondol.session",
    "Encoder": "ondol.encoder",
    "Engine": "ondol.engine",
    "Label": "ondol.label",
    "OndolError": "ondol.errors",
    "Recogniser": "ondol.speech",
    "Sampling": "ondol.sampling",
    "Tokenizer": "ondol.tokenizer",
    "mask": "ondol.privacy",
    "pick": "ondol.choice",
}

__all__ = [
    "Assistant",
    "Availability",
    "Bundle",
    "Choice",
    "Conversation",
    "Encoder",
    "Engine",
    "Label",
    "OndolError",
    "Recogniser",
    "Sampling",
    "Tokenizer",
    "mask",
    "pick",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'ondol' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
