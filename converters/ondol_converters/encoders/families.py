"""Families whose graph optimum-onnx exports, as data: a row for each `model_type`."""

from collections.abc import Iterator
from dataclasses import dataclass

from ondol_converters.families.catalog import FamilyFacts
from ondol_converters.families.decoder import Covered

EMBED, CLASSIFY, TAG, TRANSCRIBE = "embed", "classify", "tag", "transcribe"


@dataclass(frozen=True, slots=True)
class Exported:
    """A family that goes through optimum.

    `model_type` is that of its config; `heads` are classes of its checkpoints and what they are
    for; any other class of it embeds. `skipped` counts positions before the first token's, which
    RoBERTa has and BERT has not; `models` are those people bring.
    """

    model_type: str
    kind: str
    heads: tuple[tuple[str, str], ...]
    skipped: int
    models: tuple[Covered, ...]

    def task(self, architectures: tuple[str, ...]) -> str:
        """What a checkpoint of these classes is for."""
        heads = dict(self.heads)
        default = TRANSCRIBE if self.kind == "speech" else EMBED
        return next((heads[name] for name in architectures if name in heads), default)


def _encoder(
    model_type: str, stem: str, skipped: int, *models: tuple[str, str, str]
) -> tuple[str, Exported]:
    heads = (
        (f"{stem}ForSequenceClassification", CLASSIFY),
        (f"{stem}ForTokenClassification", TAG),
    )
    covered = tuple(Covered(*model) for model in models)
    return model_type, Exported(model_type, "encoder", heads, skipped, covered)


EXPORTED = dict(
    (
        _encoder(
            "bert",
            "Bert",
            0,
            ("KoBERT (SKT)", "Apache-2.0", "commercial"),
            ("multilingual-e5-small", "MIT", "commercial"),
        ),
        _encoder("electra", "Electra", 0, ("KoELECTRA small, base v3", "Apache-2.0", "commercial")),
        _encoder(
            "roberta",
            "Roberta",
            2,
            ("KLUE-RoBERTa small, base", "CC-BY-SA-4.0", "conditional"),
            ("KoSimCSE-RoBERTa", "CC-BY-SA-4.0", "conditional"),
        ),
        _encoder(
            "xlm-roberta",
            "XLMRoberta",
            2,
            ("multilingual-e5-base, large", "MIT", "commercial"),
            ("BGE-M3-ko", "Apache-2.0", "commercial"),
        ),
        (
            "whisper",
            Exported(
                "whisper",
                "speech",
                (("WhisperForConditionalGeneration", TRANSCRIBE),),
                0,
                (Covered("Whisper tiny, base, small", "MIT", "commercial"),),
            ),
        ),
    )
)
"""By `model_type`."""


def exported() -> Iterator[FamilyFacts]:
    """The families that go through optimum, as `ondol families` lists them."""
    for model_type, family in EXPORTED.items():
        yield FamilyFacts(
            name=model_type,
            kind=family.kind,
            model_types=(model_type,),
            architectures=tuple(name for name, _ in family.heads),
            sources=("huggingface",),
            through="optimum",
            models=family.models,
            place="ondol_converters.encoders.families",
        )
