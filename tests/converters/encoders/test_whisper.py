"""Whisper through optimum, beside transformers on the same audio. Runs in `.venv-reference`."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ondol.bundle import Bundle
from ondol.errors import ConversionMismatch, OptionError, WrongKind
from ondol.speech import Recogniser
from ondol_converters.conversion import convert
from ondol_converters.encoders import parity
from ondol_converters.recipe import Options, Weights
from reference_models import make_whisper

pytestmark = pytest.mark.reference

RATE = 16_000


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_whisper(tmp_path_factory.mktemp("whisper") / "tiny")


def converted(source: Path, target: Path, weights: Weights) -> Bundle:
    return convert(source, target, options=Options(weights)).bundle


@pytest.fixture(scope="module")
def bundle(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return converted(source, tmp_path_factory.mktemp("bundle") / "float", "float32")


def tone(seconds: float, hertz: float) -> NDArray[np.float32]:
    at = np.arange(int(seconds * RATE)) / RATE
    rng = np.random.default_rng(int(hertz))
    made = 0.3 * np.sin(2 * np.pi * hertz * at) + 0.1 * rng.standard_normal(len(at))
    return made.astype(np.float32)


def theirs(source: Path, audio: NDArray[np.float32], language: str) -> list[int]:
    """What transformers generates, after what a text begins with."""
    import torch
    import transformers

    model: Any = transformers.WhisperForConditionalGeneration.from_pretrained(source).eval()
    hear = transformers.WhisperFeatureExtractor.from_pretrained(source)
    features = hear(audio, sampling_rate=RATE, return_tensors="pt").input_features
    with torch.inference_mode():
        found = model.generate(features, language=language, task="transcribe", num_beams=1)
    ids = found[0].tolist()
    start = model.generation_config.decoder_start_token_id
    if start in ids:
        ids = ids[4:]
    return [token for token in ids if token != model.generation_config.eos_token_id]


@pytest.mark.parametrize(("hertz", "language"), [(220, "ko"), (440, "ko"), (900, "en")])
def test_tokens_are_those_of_transformers(
    hertz: int, language: str, source: Path, bundle: Bundle
) -> None:
    audio = tone(1.7, hertz)
    with Recogniser.open(bundle, threads=1) as recogniser:
        (spoken,) = recogniser.transcribe(audio, language=language)
    wanted = theirs(source, audio, language)
    assert len(wanted) > 3 and list(spoken.tokens) == wanted[: len(spoken.tokens)]
    assert len(spoken.tokens) >= len(wanted) - 1


def test_the_facts_are_the_folder_s(bundle: Bundle) -> None:
    facts = bundle.speech
    assert (facts.frames, facts.mel_bins, facts.hop, facts.window) == (200, 16, 160, 400)
    assert len(facts.start) == 4 and facts.suppressed_first[1] == facts.eos
    assert "In float32 within" in bundle.manifest.provenance


def test_silence_says_nothing(bundle: Bundle) -> None:
    with Recogniser.open(bundle, threads=1) as recogniser:
        assert recogniser.listen(np.zeros(0, np.float32)) == ()
        found = recogniser.transcribe(np.zeros(5 * RATE, np.float32))
        assert len(found) == 3 and all(each.text == "" and each.tokens == () for each in found)
        hum = 5e-4 * np.sin(np.arange(RATE) / 20)
        assert recogniser.transcribe(hum.astype(np.float32))[0].text == ""


def test_long_audio_is_heard_window_by_window(bundle: Bundle) -> None:
    audio = np.concatenate([tone(1.5, 300), np.zeros(3200, np.float32), tone(1.5, 500)])
    with Recogniser.open(bundle, threads=1) as recogniser:
        first, second = recogniser.transcribe(audio)
        assert 1.5 <= first.end <= 1.7 and second.start == first.end
        assert recogniser.listen(audio[: int(first.end * RATE)]) == first.tokens


def test_audio_that_cannot_be_heard_is_named(bundle: Bundle) -> None:
    with Recogniser.open(bundle, threads=1) as recogniser:
        with pytest.raises(OptionError, match="8000 Hz"):
            recogniser.transcribe(np.zeros(9, np.float32), 8000)
        for audio in (np.zeros((2, 9), np.float32), np.zeros(9), np.full(9, np.nan, np.float32)):
            with pytest.raises(OptionError):
                recogniser.transcribe(audio)  # type: ignore[arg-type]
        with pytest.raises(OptionError, match="language"):
            recogniser.transcribe(np.zeros(9, np.float32), language="xx")
    with pytest.raises(WrongKind):
        _ = bundle.encoder


def test_eight_bits_are_smaller_and_close(
    source: Path, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDOL_CONFIG", str(tmp_path))  # what is compared is signed by nobody yet
    (tmp_path / "ondol-policy.toml").write_text('signature = "required"')
    small = converted(source, tmp_path / "small", "auto")
    assert small.size < 0.75 * bundle.size
    assert {record.bits for record in small.manifest.recipe.matrices} >= {8}
    monkeypatch.setitem(parity.MOST, "int8", 1e-9)
    with pytest.raises(ConversionMismatch):
        converted(source, tmp_path / "other", "int8")
    assert not (tmp_path / "other").exists()
    with pytest.raises(OptionError, match="--vocabulary"):
        convert(source, tmp_path / "cut", options=Options(vocabulary="ko-en"))
