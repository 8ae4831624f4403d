"""A tiny model that chats: the tiny Qwen 2 with a template of the ChatML kind and more context."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ondol.bundle import Bundle
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options, Weights
from tiny_models import MODELS

if TYPE_CHECKING:
    from ondol.runtime import Logits

TALKER_CONTEXT = 512
PRINTABLE = 94  # the vocabulary begins with the printable characters of ASCII
TEMPLATE = (
    "{% for message in messages %}<|start|>{{ message.role }}\n{{ message.content }}<|end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)


class Printable:
    """Keeps a reply to one printable character a token, so that each step gives a piece."""

    finished = False

    def mask(self, logits: "Logits") -> None:
        logits[PRINTABLE:] = -np.inf

    def accept(self, token: int) -> None:
        """Nothing to remember."""


def talking(
    folder: Path,
    weights: Weights = "auto",
    context: int = TALKER_CONTEXT,
    template: str = TEMPLATE,
) -> Bundle:
    """Convert it into `folder`/talker; with an empty template it only continues text."""
    source = shutil.copytree(MODELS / "qwen2", folder / "source")
    if template:
        _change(source / "tokenizer_config.json", chat_template=template)
    _change(source / "config.json", max_position_embeddings=context)
    return convert(
        source, folder / "talker", options=Options(weights=weights, context=context)
    ).bundle


def _change(path: Path, **fields: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
