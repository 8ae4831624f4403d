"""`quality.json`: how good a bundle is beside its unquantised source, and how that was measured.

Read as hostile input, like the manifest that lists its hash. Shares run from 0 to 1; losses are
relative, and below 0 where a bundle happens to be better than its source.
"""

import json
from dataclasses import asdict, dataclass, replace

from ondol.bundle import Bundle
from ondol.errors import CorruptBundle
from ondol.language import say
from ondol.manifest import Origin
from ondol.strict import build, load

VERSION = 1
QUALITY = "quality.json"
MAX_BYTES = 4 << 20
LEAST_LOSS = -1.0


@dataclass(frozen=True, slots=True)
class TextQuality:
    """A text scored: see ondol.evaluation.scoring for what the figures mean.

    The last seven say how the bundle does beside its source; they are None, 0 and False where
    it was measured alone.
    """

    name: str
    size: int
    sha256: str
    language: str
    characters: int
    tokens: int
    spelt: bool
    bits_per_character: float
    source_bits_per_character: float | None
    relative_loss: float | None
    kl_bits: float | None
    top1_agreement: float | None
    positions: int
    common_tokens: int
    renormalised: bool


@dataclass(frozen=True, slots=True)
class GenerationQuality:
    """Answers to Korean prompts, measured: see ondol.evaluation.generation."""

    prompts: Origin
    chats: bool
    system: str
    temperature: float
    top_k: int
    top_p: float
    repetition_penalty: float
    seed: int | None
    max_tokens: int
    answers: int
    characters: int
    repeated_4grams: float
    distinct_characters: float
    leaked_letters: float
    leaking_answers: int


@dataclass(frozen=True, slots=True)
class RetrievalQuality:
    """Passages found by their queries: see ondol.evaluation.retrieval. `kind` is ko or ko-en."""

    pairs: Origin
    kind: str
    queries: int
    passages: int
    recall_at_1: float
    recall_at_5: float
    mean_reciprocal_rank: float
    source_recall_at_1: float | None
    source_recall_at_5: float | None
    source_mean_reciprocal_rank: float | None


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Right answers, and the 95 % interval of their share (Wilson 1927)."""

    correct: int
    items: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class KindAccuracy:
    """The accuracy on the items of one kind, by either way of answering."""

    kind: str
    likelihood: Accuracy
    letter: Accuracy


@dataclass(frozen=True, slots=True)
class TaskQuality:
    """Multiple-choice items answered: see ondol.evaluation.choices.

    `prompt` is how an item was put to the model, with `shots` solved ones before it, drawn with
    `seed`. `chance` is what guessing would reach.
    """

    file: Origin
    prompt: str
    shots: int
    seed: int
    chance: float
    likelihood: Accuracy
    letter: Accuracy
    kinds: tuple[KindAccuracy, ...]


@dataclass(frozen=True, slots=True)
class CalibrationQuality:
    """The same model quantised with one language's calibration text, scored on the texts."""

    language: str
    method: str
    bits: int
    block: int
    calibration: tuple[Origin, ...]
    texts: tuple[TextQuality, ...]


@dataclass(frozen=True, slots=True)
class Quality:
    """Everything measured of a bundle. `against` names the source, empty where there was none.

    `calibration` are the texts that the bundle was calibrated with; `calibrations` compare a
    Korean and an English one, once for a family.
    """

    ondol_quality: int
    created_by: str
    device: str
    software: str
    machine: str
    against: str
    texts: tuple[TextQuality, ...] = ()
    generation: tuple[GenerationQuality, ...] = ()
    retrieval: tuple[RetrievalQuality, ...] = ()
    tasks: tuple[TaskQuality, ...] = ()
    calibration: tuple[Origin, ...] = ()
    calibrations: tuple[CalibrationQuality, ...] = ()

    def to_json(self) -> str:
        """The report as text, the same for the same content."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True) + "\n"

    def loss(self, language: str) -> float | None:
        """The worst relative loss on texts of a language; None where none was compared."""
        found = [
            text.relative_loss
            for text in self.texts
            if text.language == language and text.relative_loss is not None
        ]
        return max(found, default=None)

    def updated(self, newer: "Quality") -> "Quality":
        """This report with what a newer one measured; what that did not measure stays.

        Tasks are replaced file by file, everything else part by part. Texts measured alone do
        not take the place of a comparison with the source.
        """
        files = {task.file.sha256 for task in newer.tasks}
        keep = bool(self.against) and not newer.against
        return replace(
            newer,
            against=self.against if keep else newer.against,
            texts=self.texts if keep or not newer.texts else newer.texts,
            generation=newer.generation or self.generation,
            retrieval=self.retrieval if keep or not newer.retrieval else newer.retrieval,
            tasks=tuple(t for t in self.tasks if t.file.sha256 not in files) + newer.tasks,
            calibrations=newer.calibrations or self.calibrations,
        )


def parse(text: bytes, where: str) -> Quality:
    """A report from its bytes.

    Raises:
        CorruptBundle: if it is not one, is of another version, or a field does not hold.
    """
    try:
        data = load(text, MAX_BYTES)
        version = data.get("ondol_quality") if isinstance(data, dict) else None
        if version != VERSION or isinstance(version, bool):
            raise ValueError(f"ondol_quality: {version!r:.40} ≠ {VERSION}")
        quality = build(Quality, data, "quality", LEAST_LOSS)
        _check(quality)
    except ValueError as exc:
        raise CorruptBundle(
            say(
                f"The quality report of {where} does not hold.",
                f"{where}의 품질 보고서가 올바르지 않습니다.",
            ),
            str(exc),
            say(f"Measure again: ondol evaluate {where}", f"다시 재기: ondol evaluate {where}"),
        ) from exc
    return quality


def quality_of(bundle: Bundle) -> Quality | None:
    """The report that a bundle carries, checked against its hash; None if it has none.

    Raises:
        CorruptBundle: if it is not what was packed, or does not hold.
    """
    if all(entry.path != QUALITY for entry in bundle.manifest.files):
        return None
    bundle.verify([QUALITY])
    return parse(bundle.read(QUALITY), bundle.name)


SHARES = {
    "chance",
    "distinct_characters",
    "high",
    "leaked_letters",
    "low",
    "mean_reciprocal_rank",
    "recall_at_1",
    "recall_at_5",
    "repeated_4grams",
    "share",
    "source_mean_reciprocal_rank",
    "source_recall_at_1",
    "source_recall_at_5",
    "top1_agreement",
}
"""Fields that run from 0 to 1; of the floats only `relative_loss` may be below 0."""


def _check(quality: Quality) -> None:
    """Refuse shares that are none, and negative figures.

    Raises:
        ValueError: naming the first.
    """
    todo: list[tuple[str, object]] = [("quality", asdict(quality))]
    while todo:
        at, value = todo.pop()
        if isinstance(value, dict):
            todo += [(f"{at}.{name}", each) for name, each in value.items()]
        elif isinstance(value, tuple):
            todo += [(f"{at}[{i}]", each) for i, each in enumerate(value)]
        elif isinstance(value, float):
            name = at.rpartition(".")[2]
            most = 1.0 if name in SHARES else float("inf")
            least = LEAST_LOSS if name == "relative_loss" else 0.0
            if not least <= value <= most:
                raise ValueError(f"{at}: out of range")
