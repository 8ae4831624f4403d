"""What a finished bundle is worth, in figures for a record."""

from collections.abc import Callable

from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.evaluation.scoring import OpenModel, score
from ondol.evaluation.text import evaluation_texts
from ondol.model_facts import ModelFacts

Progress = Callable[[str, int, int], None]
THREADS = 1  # jobs run beside each other


def bits_per_character(bundle: Bundle, progress: Progress) -> dict[str, float] | None:
    """Bits per character by language, on the CPU and Ondol's own evaluation texts.

    None for a model that is no decoder of text: it has none.

    Raises:
        DeviceError: if the CPU cannot run the bundle.
    """
    if not isinstance(bundle.manifest.model, ModelFacts):
        return None
    with Engine.open(bundle, threads=THREADS) as engine:
        model = OpenModel(engine.session, engine.tokenizer)
        return {
            text.language: score(
                model, text.text, lambda done, total: progress("evaluate", done, total)
            ).bits_per_character
            for text in evaluation_texts()
        }
