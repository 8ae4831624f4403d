"""Speech to text: a recogniser of a bundle, open on a device.

Silence says nothing: what is not louder than `QUIET` is not given to the model, and where the
model itself takes a window for no speech, its words are left out. There is no detector of
voices yet: loud noise may still be given words.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ondol import policy, registry
from ondol.bundle import Bundle
from ondol.choice import pick
from ondol.errors import CorruptBundle, OptionError
from ondol.fitting import allowed_memory
from ondol.language import say
from ondol.logmel import log_mel
from ondol.model_facts import SpeechFacts
from ondol.plan import plan
from ondol.quiet import windows
from ondol.stateless import Session
from ondol.tokenizer import Tokenizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Arrays = dict[str, NDArray[Any]]

QUIET = 1e-3  # of full scale, -60 dB: no sample of a window is louder
NO_SPEECH = 0.6  # the probability above which a window is no speech (arXiv 2212.04356, 4.5)
NO_SPEECH_TOKENS = ("<|nospeech|>", "<|nocaptions|>")


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was said from one second to another, and its tokens; empty text is silence."""

    text: str
    start: float
    end: float
    tokens: tuple[int, ...]


class Recogniser:
    """One recogniser, open on one device. Not to be used from two threads at once."""

    def __init__(
        self, bundle: Bundle, audio: Session, decoder: Session, tokenizer: Tokenizer, device: str
    ) -> None:
        self.bundle = bundle
        self.facts: SpeechFacts = bundle.speech
        self.tokenizer = tokenizer
        self.device = device
        self._audio = audio
        self._decoder = decoder
        self._check()

    @classmethod
    def open(
        cls,
        bundle: Bundle | str | os.PathLike[str],
        *,
        device: str | None = None,
        threads: int | None = None,
        spin: bool = True,
    ) -> Self:
        """Open a bundle's recogniser on a device; arguments and errors as of `Encoder.open`.

        Raises:
            BundleError: if the bundle cannot be read, does not hold, or is no recogniser.
            DeviceError: if the device cannot be used.
            OptionError: if a setting cannot be met.
        """
        opened = bundle if isinstance(bundle, Bundle) else Bundle.open(Path(bundle))
        facts = opened.speech
        policy.check(opened)
        device = pick(opened).device if device is None else device
        runtime = registry.runtime(device)
        settings = allowed_memory(runtime, opened, plan(opened, None, threads, spin))
        opened.verify(["tokenizer.json"])
        tokenizer = Tokenizer(opened.read("tokenizer.json"), eos=(facts.eos,))
        variant = next(iter(opened.manifest.variants))
        audio = runtime.open_graph(opened, settings, variant.prefill[0])
        try:
            decoder = runtime.open_graph(opened, settings)
            return cls(opened, audio, decoder, tokenizer, device)
        except BaseException:
            audio.close()
            raise

    def transcribe(
        self, audio: "Floats", sample_rate: int = 16_000, language: str | None = None
    ) -> list[Spoken]:
        """What is said in a recording, window by window.

        Args:
            audio: float32 [samples] of one channel, -1 to 1, of any length. A long one is cut
                where it is quietest near the end of each window.
            sample_rate: of the audio, in Hz; it must be the model's.
            language: two letters such as "en"; None: the bundle's own, Korean where it can.

        Raises:
            OptionError: if the audio is of another shape, type or rate, or not finite, or the
                model does not know the language.
        """
        self._check_audio(audio, sample_rate)
        start = self._start(language)
        found = []
        for first, last in windows(audio, self.facts):
            tokens = self.listen(audio[first:last], start)
            text = self.tokenizer.decode(tokens).strip()
            rate = self.facts.sample_rate
            found.append(Spoken(text, first / rate, last / rate, tokens))
        return found

    def listen(self, window: "Floats", start: tuple[int, ...] | None = None) -> tuple[int, ...]:
        """The tokens of one window of audio, the likeliest at each step; none of silence."""
        import numpy as np

        if not len(window) or float(np.abs(window).max()) <= QUIET:
            return ()
        state = self._hear(log_mel(window, self.facts)[None])
        begin = self.facts.start if start is None else start
        tokens: list[int] = []
        for step, logits in enumerate(self._steps(state, begin, tokens)):
            if step == 0 and self._silent(logits[0]):
                return ()
            last = logits[-1].copy()
            last[list(self.facts.suppressed)] = -np.inf
            if step == 0:
                last[list(self.facts.suppressed_first)] = -np.inf
            token = int(last.argmax())
            if token == self.facts.eos or len(begin) + len(tokens) + 1 >= self.facts.context:
                break
            tokens.append(token)
        return tuple(tokens)

    def follow(self, features: "Floats", tokens: Sequence[int]) -> "tuple[Floats, Floats]":
        """What is heard, and the logits of given tokens after the beginning: for comparisons.

        Args:
            features: float32 [1, mel_bins, frames], as `log_mel` makes them.
            tokens: what is to be said, one step after another.

        Returns:
            Hidden states float32 [1, positions, width]; logits float32
            [beginning and tokens, vocabulary].
        """
        import numpy as np

        heard, done = self._hear(features), list[int]()
        steps = self._steps(heard, self.facts.start, done)
        rows = [next(steps)]
        for token in tokens:
            done.append(token)
            rows.append(next(steps))
        return heard, np.concatenate(rows)

    def close(self) -> None:
        """Free the device."""
        self._audio.close()
        self._decoder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _hear(self, features: "Floats") -> "Floats":
        made = self._audio.run({self._audio.inputs[0].name: features})
        return next(iter(made.values()))

    def _steps(
        self, state: "NDArray[Any]", begin: tuple[int, ...], tokens: list[int]
    ) -> "Iterator[Floats]":
        """Logits [new tokens, vocabulary] after the beginning, then after each token appended."""
        import numpy as np

        past = self._empty()
        ids = np.array([begin], np.int64)
        while True:
            feeds: dict[str, NDArray[Any]] = {
                "input_ids": ids,
                "encoder_hidden_states": state,
                "use_cache_branch": np.array([len(tokens) > 0]),
                **past,
            }
            made = self._decoder.run({port.name: feeds[port.name] for port in self._decoder.inputs})
            past = _followed(past, made, keep_audio=len(tokens) > 0)
            yield made["logits"][0]
            ids = np.array([tokens[-1:]], np.int64)

    def _empty(self) -> "Arrays":
        import numpy as np

        shape = (1, self.facts.heads, 1, self.facts.head_dim)
        return {
            port.name: np.zeros(shape, np.float32)
            for port in self._decoder.inputs
            if port.name.startswith("past_key_values.")
        }

    def _silent(self, first: "Floats") -> bool:
        """Whether the model takes what it hears for no speech, from its very first logits."""
        import numpy as np

        known = self.tokenizer.special_tokens
        number = next((known[name] for name in NO_SPEECH_TOKENS if name in known), None)
        if number is None:
            return False
        powers = np.exp(first - first.max())
        return bool(powers[number] / powers.sum() > NO_SPEECH)

    def _start(self, language: str | None) -> tuple[int, ...]:
        if language is None:
            return self.facts.start
        known = self.tokenizer.special_tokens
        number = known.get(f"<|{language}|>")
        spoken = {known[name] for name in known if len(name) in (6, 7)}  # <|ko|>, <|haw|>
        if number is None or len(self.facts.start) < 2 or self.facts.start[1] not in spoken:
            raise OptionError(
                say(
                    f"The model does not know the language {language!r:.20}.",
                    f"모델이 모르는 언어입니다: {language!r:.20}",
                ),
                "",
                'language="ko", language="en"',
            )
        return (self.facts.start[0], number, *self.facts.start[2:])

    def _check_audio(self, audio: "Floats", sample_rate: int) -> None:
        import numpy as np

        why = ""
        if sample_rate != self.facts.sample_rate:
            why = f"{sample_rate} Hz ≠ {self.facts.sample_rate} Hz"
        elif not isinstance(audio, np.ndarray) or audio.ndim != 1 or audio.dtype != np.float32:
            why = f"{getattr(audio, 'dtype', type(audio).__name__)} {getattr(audio, 'shape', '')}"
        elif not np.isfinite(audio).all():
            why = say("It holds a NaN or an infinity.", "NaN이나 무한대가 있습니다.")
        if why:
            raise OptionError(
                say(
                    "The audio is not what the model hears.", "모델이 들을 수 있는 음성이 아닙니다."
                ),
                why,
                say(
                    f"Give float32 of one channel at {self.facts.sample_rate} Hz, -1 to 1.",
                    f"한 채널, {self.facts.sample_rate}Hz, -1에서 1까지의 float32로 주세요.",
                ),
            )

    def _check(self) -> None:
        """Compare what the manifest says with the graphs."""
        facts = self.facts
        heard = self._audio.inputs[0].shape
        names = {port.name for port in self._decoder.inputs}
        cache = sum(name.startswith("past_key_values.") for name in names)
        fits = len(heard) == 3 and heard[1:] == (facts.mel_bins, facts.frames)
        wanted = {"input_ids", "encoder_hidden_states", "use_cache_branch"}
        known = self.tokenizer.size <= facts.vocabulary
        if fits and known and wanted <= names and cache == 4 * facts.layers:
            return
        raise CorruptBundle(
            say(
                f"{self.bundle.name}: manifest, graphs and tokenizer are of different models.",
                f"{self.bundle.name}: 목록, 그래프, 토크나이저가 서로 다른 모델의 것입니다.",
            ),
            f"{list(heard)}, {cache} ≠ {(facts.mel_bins, facts.frames)}, {4 * facts.layers}",
            say("Convert the model again.", "모델을 다시 변환하세요."),
        )


def _followed(past: "Arrays", made: "Mapping[str, NDArray[Any]]", *, keep_audio: bool) -> "Arrays":
    """The cache for the next step; what was heard is the same at every step after the first."""
    return {
        name: past[name]
        if keep_audio and ".encoder." in name
        else made[name.replace("past_key_values", "present")]
        for name in past
    }
