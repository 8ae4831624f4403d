"""What a Hugging Face folder says of its encoder: task, length, labels, pooling, prefixes.

Pooling, normalisation and prompts come from the files that sentence-transformers writes:
https://sbert.net/docs/package_reference/sentence_transformer/models.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ondol.errors import CorruptSource, SourceError
from ondol.language import say
from ondol_converters.encoders.drawn import Use
from ondol_converters.encoders.families import CLASSIFY, EMBED, EXPORTED, TAG, Exported

MODULES, PROMPTS, LIMITS = (
    "modules.json",
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
)
POOLING = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
MOST_BYTES = 64 << 20
UNBOUNDED = 1 << 20  # tokenizers write 10^30 where they know no limit

PREFIXES = {"e5": ("query: ", "passage: ")}
"""Prefixes of families whose folders do not say them, by a part of the model's name."""


@dataclass(frozen=True, slots=True)
class Described:
    """An encoder to export: its family and numbers, and how its vectors are meant."""

    family: Exported
    task: str
    config: Mapping[str, Any]
    context: int
    pad: int
    labels: tuple[str, ...]
    use: Use


def model_type_of(folder: Path) -> str:
    """The `model_type` of a folder's config; empty where there is none."""
    if not (folder / "config.json").is_file():
        return ""
    return str(read_json(folder / "config.json").get("model_type", ""))


def describe_folder(folder: Path) -> Described:
    """Read a folder of a family in `EXPORTED`.

    Raises:
        CorruptSource: if a file is broken or lacks a number.
        SourceError: if it pools or classifies in a way that is not converted.
    """
    config = read_json(folder / "config.json")
    family = EXPORTED[str(config["model_type"])]
    task = family.task(tuple(map(str, config.get("architectures") or ())))
    try:
        pad = int(config["pad_token_id"])
        lengths = [int(config["max_position_embeddings"]) - family.skipped]
        labels = _labels(config) if task in (CLASSIFY, TAG) else ()
    except (KeyError, TypeError, ValueError) as exc:
        raise broken("config.json", f"{type(exc).__name__}: {exc}") from exc
    for name, key in (("tokenizer_config.json", "model_max_length"), (LIMITS, "max_seq_length")):
        limit = optional_json(folder / name).get(key)
        if isinstance(limit, int | float) and 0 < limit < UNBOUNDED:
            lengths.append(int(limit))
    if task == CLASSIFY and config.get("problem_type") not in (
        None,
        "single_label_classification",
    ):
        raise _unsupported(f"problem_type {config['problem_type']}")
    use = _use(folder, config) if task == EMBED else Use("none", False, "", "")
    return Described(family, task, config, min(lengths), pad, labels, use)


def _labels(config: Mapping[str, Any]) -> tuple[str, ...]:
    named = config.get("id2label") or {f"{i}": f"LABEL_{i}" for i in range(2)}
    labels = {int(number): str(label) for number, label in named.items()}
    if sorted(labels) != list(range(len(labels))) or len(labels) < 2:
        raise ValueError(f"id2label {sorted(labels)}")
    return tuple(labels[number] for number in sorted(labels))


def _use(folder: Path, config: Mapping[str, Any]) -> Use:
    """How vectors are meant; without sentence-transformers' files: mean, of length 1."""
    pooling, normalised = "mean", True
    if (folder / MODULES).is_file():
        pooling, normalised = _modules(folder)
    prompts = optional_json(folder / PROMPTS).get("prompts") or {}
    name = f"{folder.resolve().name} {config.get('_name_or_path', '')}".lower()
    known = next((said for part, said in PREFIXES.items() if part in name), ("", ""))
    query = prompts.get("query", known[0])
    passage = prompts.get("passage", prompts.get("document", known[1]))
    return Use(pooling, normalised, str(query), str(passage))


def _modules(folder: Path) -> tuple[str, bool]:
    try:
        listed = json.loads((folder / MODULES).read_bytes())
        kinds = [str(module["type"]).rpartition(".")[2] for module in listed]
        places = [str(module["path"]) for module in listed]
    except (OSError, ValueError, TypeError, KeyError) as exc:
        raise broken(MODULES, str(exc)) from exc
    strange = set(kinds) - {"Transformer", "Pooling", "Normalize"}
    if strange or kinds.count("Pooling") != 1:
        raise _unsupported(f"{MODULES}: {', '.join(kinds)}")
    place = places[kinds.index("Pooling")]
    if Path(place).is_absolute() or ".." in Path(place).parts:
        raise broken(MODULES, place)
    modes = read_json(folder / place / "config.json")
    chosen = [mode for mode, on in modes.items() if mode.startswith("pooling_mode") and on is True]
    if len(chosen) != 1 or chosen[0] not in POOLING:
        raise _unsupported(f"{place}: {', '.join(chosen)}")
    return POOLING[chosen[0]], "Normalize" in kinds


def read_json(path: Path) -> dict[str, Any]:
    """An object in a JSON file.

    Raises:
        CorruptSource: if the file is none.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"{path.stat().st_size} bytes")
        found = json.loads(path.read_bytes())
        if not isinstance(found, dict):
            raise ValueError(f"{type(found).__name__}, not an object")
    except (OSError, ValueError, RecursionError) as exc:
        raise broken(path.name, str(exc)) from exc
    return found


def optional_json(path: Path) -> dict[str, Any]:
    """An object in a JSON file that need not be there; empty then."""
    return read_json(path) if path.is_file() else {}


def broken(name: str, why: str) -> CorruptSource:
    """The error of a folder's file that does not hold."""
    return CorruptSource(
        say(f"The model file {name} is broken.", f"모델 파일 {name}이(가) 손상되었습니다."),
        why[:200],
        say("Download the folder again, whole.", "폴더 전체를 다시 내려받으세요."),
    )


def _unsupported(why: str) -> SourceError:
    return SourceError(
        say("This encoder cannot be converted.", "이 인코더는 변환할 수 없습니다."),
        why[:200],
        say(
            "Vectors are pooled by mean or first token; a text has one label of several.",
            "벡터는 평균이나 첫 토큰으로 모으고, 글 하나의 이름표는 여럿 중 하나여야 합니다.",
        ),
    )
