"""Audio to the log-mel spectrogram that Whisper hears (arXiv 2212.04356), in numpy.

Bands are Slaney's: linear below 1 kHz, logarithmic above, of equal area.
"""

from functools import cache
from typing import TYPE_CHECKING

from ondol.model_facts import SpeechFacts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Doubles = NDArray[np.float64]

TOP_HZ = 8000.0
LINEAR_TOP_HZ, LINEAR_TOP_MEL, OCTAVE = 1000.0, 15.0, 6.4
MELS_PER_OCTAVE = 27.0  # of OCTAVE, a factor of 6.4
FLOOR = 1e-10
RANGE = 8.0  # powers of ten below the loudest that are told apart


def log_mel(audio: "Floats", facts: SpeechFacts) -> "Floats":
    """The spectrogram of one window of audio.

    Args:
        audio: float32 [samples], -1 to 1, at most `facts.frames * facts.hop` of them; silence
            is put behind a shorter one.
        facts: sample rate, window and hop in samples, bands and frames.

    Returns:
        float32 [mel_bins, frames].
    """
    import numpy as np

    size = facts.frames * facts.hop
    padded = np.zeros(size, np.float64)
    padded[: len(audio)] = audio
    around = np.pad(padded, facts.window // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(around, facts.window)[:: facts.hop]
    turns = np.arange(facts.window) / facts.window
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * turns)
    power = np.abs(np.fft.rfft(frames[: facts.frames] * hann, axis=1)) ** 2
    bands = power @ _filters(facts.mel_bins, facts.window, facts.sample_rate)
    logs = np.log10(np.maximum(bands, FLOOR))
    logs = np.maximum(logs, logs.max() - RANGE)
    return np.ascontiguousarray(((logs + 4.0) / 4.0).T, np.float32)


@cache
def _filters(bands: int, window: int, rate: int) -> "Doubles":
    """Triangles of equal area, float64 [window // 2 + 1, bands]."""
    import numpy as np

    corners = _hertz(np.linspace(0.0, _mel(TOP_HZ), bands + 2))
    bins = np.linspace(0.0, rate / 2, window // 2 + 1)
    slopes = corners[None, :] - bins[:, None]
    widths = np.diff(corners)
    rising = -slopes[:, :-2] / widths[:-1]
    falling = slopes[:, 2:] / widths[1:]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(triangles * (2.0 / (corners[2:] - corners[:-2])))


def _mel(hertz: float) -> float:
    import math

    steps = MELS_PER_OCTAVE / math.log(OCTAVE)
    if hertz < LINEAR_TOP_HZ:
        return hertz * LINEAR_TOP_MEL / LINEAR_TOP_HZ
    return LINEAR_TOP_MEL + math.log(hertz / LINEAR_TOP_HZ) * steps


def _hertz(mels: "Doubles") -> "Doubles":
    import numpy as np

    steps = MELS_PER_OCTAVE / np.log(OCTAVE)
    linear = mels * LINEAR_TOP_HZ / LINEAR_TOP_MEL
    curved = LINEAR_TOP_HZ * np.exp((mels - LINEAR_TOP_MEL) / steps)
    return np.where(mels < LINEAR_TOP_MEL, linear, curved)
