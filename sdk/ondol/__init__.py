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
    from ondol.grammar.extraction import extract as extract
    from ondol.grammar.rules import Choices as Choices
    from ondol.grammar.rules import Json as Json
    from ondol.grammar.rules import Lark as Lark
    from ondol.grammar.rules import Regex as Regex
    from ondol.label import Label as Label
    from ondol.privacy import mask as mask
    from ondol.retrieval.library import Library as Library
    from ondol.sampling import Sampling as Sampling
    from ondol.server.serving import Server as Server
    from ondol.server.settings import ServerSettings as ServerSettings
    from ondol.session import Conversation as Conversation
    from ondol.speech import Recogniser as Recogniser
    from ondol.tokenizer import Tokenizer as Tokenizer
    from ondol.tools.loop import run_tools as run_tools

__version__ = "0.1.0"

_HOMES = {
    "Assistant": "ondol.assistant",
    "Availability": "ondol.availability",
    "Bundle": "ondol.bundle",
    "Choice": "ondol.choice",
    "Choices": "ondol.grammar.rules",
    "Conversation": "ondol.session",
    "Encoder": "ondol.encoder",
    "Engine": "ondol.engine",
    "Json": "ondol.grammar.rules",
    "Label": "ondol.label",
    "Lark": "ondol.grammar.rules",
    "Library": "ondol.retrieval.library",
    "OndolError": "ondol.errors",
    "Recogniser": "ondol.speech",
    "Regex": "ondol.grammar.rules",
    "Sampling": "ondol.sampling",
    "Server": "ondol.server.serving",
    "ServerSettings": "ondol.server.settings",
    "Tokenizer": "ondol.tokenizer",
    "extract": "ondol.grammar.extraction",
    "mask": "ondol.privacy",
    "pick": "ondol.choice",
    "run_tools": "ondol.tools.loop",
}

__all__ = [
    "Assistant",
    "Availability",
    "Bundle",
    "Choice",
    "Choices",
    "Conversation",
    "Encoder",
    "Engine",
    "Json",
    "Label",
    "Lark",
    "Library",
    "OndolError",
    "Recogniser",
    "Regex",
    "Sampling",
    "Server",
    "ServerSettings",
    "Tokenizer",
    "extract",
    "mask",
    "pick",
    "run_tools",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'ondol' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
