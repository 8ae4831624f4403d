"""What a bundle says of its model: one of three kinds, told apart by their fields."""

from dataclasses import dataclass

MOST = {
    "layers": 1 << 12,
    "kv_heads": 1 << 12,
    "head_dim": 1 << 12,
    "vocabulary": 1 << 24,
    "context": 1 << 20,
    "heads": 1 << 12,
    "width": 1 << 16,
    "mel_bins": 1 << 10,
    "sample_rate": 1 << 18,
    "frames": 1 << 16,
    "window": 1 << 16,
    "hop": 1 << 16,
}
"""What the sizes of a model's facts can be at most: memory is asked for by them."""

CACHES = {"float32": 4, "int8": 1}
"""What a cache can be held in, by numpy's names, and the bytes of an element."""

TASKS = ("embed", "classify", "tag")
POOLINGS = ("none", "mean", "cls")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a runtime and an engine must know of a decoder. Sizes in elements and tokens.

    `cache` is what keys and values are held in: "float32", or "int8" with scales in the graph.
    """

    model_type: str
    layers: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    context: int
    parameters: int
    bos: int | None
    eos: tuple[int, ...]
    cache: str = "float32"

    @property
    def cache_item_bytes(self) -> int:
        """Bytes of one element of the cache."""
        return CACHES[self.cache]


@dataclass(frozen=True, slots=True)
class EncoderFacts:
    """What must be known of an encoder. Sizes in elements and tokens.

    `task` is embed (`embedding` float32 [n, width]), classify (`logits` [n, labels]) or tag
    (`logits` [n, tokens, labels]). `pooling` (none, mean, cls) and L2 normalisation are in the
    graph; they are named here so that nobody does them twice. The prefixes are put before a
    query and a passage; `labels` are empty unless the task has them.
    """

    model_type: str
    task: str
    layers: int
    width: int
    vocabulary: int
    context: int
    parameters: int
    pad: int
    pooling: str
    normalised: bool
    query_prefix: str
    passage_prefix: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SpeechFacts:
    """What must be known of a speech recogniser: an audio encoder and a decoder of text.

    `frames` log-mel frames of `mel_bins` bands are one input, made from `sample_rate` Hz audio
    in windows of `window` samples every `hop`. `context` counts the decoder's tokens; a text
    begins with the tokens `start` and ends with `eos`; `suppressed` are never said, and
    `suppressed_first` not at the beginning.
    """

    model_type: str
    layers: int
    heads: int
    head_dim: int
    width: int
    vocabulary: int
    context: int
    parameters: int
    mel_bins: int
    sample_rate: int
    frames: int
    window: int
    hop: int
    start: tuple[int, ...]
    eos: int
    suppressed: tuple[int, ...]
    suppressed_first: tuple[int, ...] = ()


Facts = ModelFacts | EncoderFacts | SpeechFacts


def fault_of(model: Facts) -> str:
    """What in a model's facts cannot be, after "model"; empty where all of it can."""
    for size, most in MOST.items():
        found = getattr(model, size, None)
        if found is not None and not 1 <= found <= most:
            return f".{size}: {found}, not 1 to {most}"
    if any(token >= model.vocabulary for token in _tokens(model)):
        return ": a token id outside the vocabulary"
    if isinstance(model, ModelFacts) and model.cache not in CACHES:
        return f".cache: {model.cache!r:.40}"
    if isinstance(model, EncoderFacts):
        if model.task not in TASKS or model.pooling not in POOLINGS:
            return f": {model.task!r:.40}, {model.pooling!r:.40}"
        if (model.task == "embed") != (not model.labels):
            return f".labels: {len(model.labels)} for {model.task}"
    return ""


def _tokens(model: Facts) -> tuple[int, ...]:
    """Every token id that a model's facts name."""
    if isinstance(model, ModelFacts):
        return (*model.eos, model.bos or 0)
    if isinstance(model, EncoderFacts):
        return (model.pad,)
    return (*model.start, model.eos, *model.suppressed, *model.suppressed_first)
