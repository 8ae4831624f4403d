"""Where long audio is cut: at the quietest place before a window is full."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ondol.model_facts import SpeechFacts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

EDGE_SECONDS, STEP_SECONDS = 5.0, 0.1  # where the end of a window is sought, and how finely


def windows(audio: "Floats", facts: SpeechFacts) -> Iterator[tuple[int, int]]:
    """Where to cut audio: samples [start, end) of parts that the model hears whole."""
    import numpy as np

    most, step = facts.frames * facts.hop, max(1, int(STEP_SECONDS * facts.sample_rate))
    edge = min(int(EDGE_SECONDS * facts.sample_rate), most // 2)
    start = 0
    while len(audio) - start > most:
        tail = audio[start + most - edge : start + most]
        blocks = tail[: len(tail) // step * step].reshape(-1, step)
        loudness = (blocks.astype(np.float64) ** 2).mean(axis=1)[::-1]  # of equals the last
        quietest = len(blocks) - 1 - int(loudness.argmin()) if len(blocks) else 0
        end = start + most - edge + quietest * step + step // 2
        yield start, end
        start = end
    if start < len(audio):
        yield start, len(audio)
