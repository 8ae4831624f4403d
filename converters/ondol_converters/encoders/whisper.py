"""Whisper from a Hugging Face folder into a bundle: audio encoder, decoder with its cache."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from ondol.bundle import Bundle
from ondol.device import Needs
from ondol.manifest import Origin, Recipe, Variant
from ondol.model_facts import SpeechFacts
from ondol.speech import Recogniser
from ondol_converters.assembly import Progress, Terms, new_bundle
from ondol_converters.conversion import Conversion
from ondol_converters.encoders import parity, surgery
from ondol_converters.encoders.bundling import Content, write_bundle
from ondol_converters.encoders.describing import broken, optional_json, read_json
from ondol_converters.encoders.options import EXPORTED, weights_of
from ondol_converters.encoders.origins import origins_of, provenance_of
from ondol_converters.encoders.recogniser import LoadedSpeech, load_speech
from ondol_converters.recipe import Options
from ondol_converters.tokenizers import from_folder

AUDIO, DECODER = "audio.onnx", "model.onnx"
LANGUAGES = ("<|ko|>", "<|en|>")
"""What a bundle listens for unless told otherwise: the first that the model knows."""

SEED, STEPS = 11, 6


def convert_whisper(
    folder: Path,
    target: Path,
    *,
    name: str,
    options: Options,
    terms: Terms,
    progress: Progress,
) -> Conversion:
    """Convert a Whisper folder into a bundle of a recogniser.

    Args:
        folder: a Hugging Face folder with `config.json` and `generation_config.json`.
        target: the bundle's folder.
        name: the bundle's name.
        options: `weights` (auto is int8, or float32) counts.
        terms: licence and provenance.
        progress: called as things get done.

    Raises:
        MissingExtra: if torch, transformers or optimum is not installed.
        OptionError: if the options ask for other weights, or for another vocabulary.
        SourceError: if the folder does not hold.
        ConversionMismatch: if the bundle does not compute what transformers does.
    """
    weights = weights_of(options, EXPORTED, whole_vocabulary=True)
    progress("tokenizer", 0, 1)
    tokenizer = from_folder(folder).json
    progress("tokenizer", 1, 1)
    progress("weights", 0, 1)
    loaded = load_speech(folder)
    facts = describe_whisper(folder, loaded.parameters)
    progress("weights", 1, 1)
    with new_bundle(target) as fresh, TemporaryDirectory(prefix="ondol-export-") as at:
        room = Path(at)
        maker = _Maker(fresh, folder, name, facts, options, terms, tokenizer, loaded)
        progress("graph", 0, 1)
        graphs = loaded.export(room)
        decoder = graphs.merged(room)
        progress("graph", 1, 1)
        worst = maker.compare(maker.bundle(graphs.audio, decoder, "float32"), "float32")
        if weights == "int8":
            progress("int8", 0, 1)
            small = graphs.small(room)
            maker.compare(maker.bundle(small.audio, small.merged(room), "int8", worst), "int8")
            progress("int8", 1, 1)
        else:
            maker.bundle(graphs.audio, decoder, "float32", worst)
    exact = 1.0 if weights == "float32" else 0.0
    return Conversion(Bundle.open(target), loaded.parameters, exact)


def describe_whisper(folder: Path, parameters: int) -> SpeechFacts:
    """What a folder says of its recogniser.

    Raises:
        CorruptSource: if a file is broken or lacks a number.
    """
    config = read_json(folder / "config.json")
    said = optional_json(folder / "generation_config.json")
    heard = optional_json(folder / "preprocessor_config.json")
    try:
        heads, width = int(config["decoder_attention_heads"]), int(config["d_model"])
        return SpeechFacts(
            model_type="whisper",
            layers=int(config["decoder_layers"]),
            heads=heads,
            head_dim=width // heads,
            width=width,
            vocabulary=int(config["vocab_size"]),
            context=int(config["max_target_positions"]),
            parameters=parameters,
            mel_bins=int(config["num_mel_bins"]),
            sample_rate=int(heard.get("sampling_rate", 16_000)),
            frames=2 * int(config["max_source_positions"]),  # the second convolution halves them
            window=int(heard.get("n_fft", 400)),
            hop=int(heard.get("hop_length", 160)),
            start=_start(said, config),
            eos=int(said.get("eos_token_id", config["eos_token_id"])),
            suppressed=_ids(said.get("suppress_tokens")),
            suppressed_first=_ids(said.get("begin_suppress_tokens")),
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise broken("config.json", f"{type(exc).__name__}: {exc}") from exc


def _start(said: Mapping[str, Any], config: Mapping[str, Any]) -> tuple[int, ...]:
    """What a text begins with: start, language and task where there are several, no times."""
    begin = [int(said.get("decoder_start_token_id", config["decoder_start_token_id"]))]
    languages = said.get("lang_to_id") or {}
    known = [int(languages[language]) for language in LANGUAGES if language in languages]
    if known:
        begin += [known[0], int(said["task_to_id"]["transcribe"])]
    if said.get("no_timestamps_token_id") is not None:
        begin.append(int(said["no_timestamps_token_id"]))
    return tuple(begin)


def _ids(listed: object) -> tuple[int, ...]:
    return tuple(int(number) for number in listed) if isinstance(listed, list) else ()


@dataclass(frozen=True, slots=True)
class _Maker:
    """Writes the bundle's files, with float weights and then with the smaller ones."""

    fresh: Path
    folder: Path
    name: str
    facts: SpeechFacts
    options: Options
    terms: Terms
    tokenizer: str
    loaded: LoadedSpeech

    def bundle(
        self,
        audio: onnx.ModelProto,
        decoder: onnx.ModelProto,
        precision: str,
        worst: float | None = None,
    ) -> Bundle:
        """The bundle of two graphs; `worst` is how far float32 was from transformers."""
        parts = {AUDIO: audio, DECODER: decoder}
        used: set[str] = set()
        files = []
        for graph, model in parts.items():
            weights = graph.replace(".onnx", ".bin")
            surgery.save(model, self.fresh, graph, weights)
            used.update(surgery.operators(model))
            files += [graph, weights]
        size = sum((self.fresh / file).stat().st_size for file in files)
        recipe = Recipe(
            weights=self.options.weights,
            context=self.facts.context,
            vocabulary="full",
            source_vocabulary=self.facts.vocabulary,
            budget=None,
            favor=self.options.favor,
            calibration=(),
            matrices=(*surgery.records(audio, "audio."), *surgery.records(decoder)),
        )
        origins = origins_of(self.folder)
        needs = Needs(tuple(sorted(used)), (precision,), size)
        content = Content(
            name=self.name,
            facts=self.facts,
            variant=Variant("cpu", DECODER, (AUDIO,), needs),
            files=files,
            origins=[Origin(f.name, f.size, f.sha256) for f in origins],
            recipe=recipe,
            terms=self.terms,
            provenance=provenance_of(self.folder, origins, worst),
        )
        return write_bundle(self.fresh, self.tokenizer, content)

    def compare(self, bundle: Bundle, precision: str) -> float:
        """How far the bundle is from transformers on noise: what it hears, and what it says."""
        facts = self.facts
        rng = np.random.default_rng(SEED)
        noise: NDArray[np.float32] = rng.uniform(-1, 1, (1, facts.mel_bins, facts.frames)).astype(
            np.float32
        )
        said = rng.integers(0, min(facts.vocabulary, 256), STEPS).tolist()
        heard, logits = self.loaded.output(noise, [*facts.start, *said])
        with Recogniser.open(bundle) as recogniser:
            ours, steps = recogniser.follow(noise, said)
        pairs = ((ours, heard), (steps, logits))
        differences = [parity.difference(precision, *pair) for pair in pairs]
        return parity.require(precision, differences)
