"""What a recogniser hears, and where long audio is cut; with a model: test_whisper.py."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ondol.logmel import log_mel
from ondol.model_facts import SpeechFacts
from ondol.quiet import windows

FIXTURES = Path(__file__).parents[1] / "fixtures"
RATE, KEPT = 16_000, slice(0, 360, 6)


def facts(bands: int = 80, frames: int = 3000) -> SpeechFacts:
    return SpeechFacts(
        "whisper", 1, 1, 64, 64, 99, 448, 1, bands, RATE, frames, 400, 160, (1,), 2, ()
    )


def chirp(seconds: float = 3.3) -> NDArray[np.float32]:
    """As in make_log_mel.py."""
    at = np.arange(int(seconds * RATE)) / RATE
    made = 0.5 * np.exp(-at / 2) * np.sin(2 * np.pi * (100 * at + 6900 * at**2 / (2 * seconds)))
    made[RATE] += 0.9
    return made.astype(np.float32)


@pytest.mark.parametrize("bands", [80, 128])
def test_the_spectrogram_is_that_of_transformers(bands: int) -> None:
    known = np.load(FIXTURES / "log_mel.npz")[f"bands{bands}"]
    found = log_mel(chirp(), facts(bands))
    assert found.shape == (bands, 3000) and found.dtype == np.float32
    # Theirs is computed in float32: near the floor of quiet bands that is five digits
    assert np.abs(found[:, KEPT] - known).max() < 1e-3


def test_silence_is_flat() -> None:
    found = log_mel(np.zeros(0, np.float32), facts())
    assert np.ptp(found) == 0


def test_short_audio_is_one_window() -> None:
    assert list(windows(np.zeros(0, np.float32), facts())) == []
    assert list(windows(chirp(), facts())) == [(0, len(chirp()))]


@pytest.mark.parametrize("pause", [26.5, 28.0, 29.9])
def test_long_audio_is_cut_in_a_pause(pause: float) -> None:
    rng = np.random.default_rng(4)
    audio = rng.uniform(-0.5, 0.5, 50 * RATE).astype(np.float32)
    middle = int(pause * RATE)
    audio[middle - 1600 : middle + 1600] = 0
    (first, second) = windows(audio, facts())
    assert abs(first[1] - middle) <= 3200 and second == (first[1], len(audio))


def test_every_sample_is_in_one_window() -> None:
    audio = np.random.default_rng(5).uniform(-1, 1, 200_000).astype(np.float32)
    made = list(windows(audio, facts(frames=200)))
    assert made[0][0] == 0 and made[-1][1] == len(audio)
    assert all(a[1] == b[0] for a, b in zip(made, made[1:], strict=False))
    assert all(0 < end - start <= 200 * 160 for start, end in made)
