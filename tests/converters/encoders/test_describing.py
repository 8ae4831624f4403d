"""What a folder says of its encoder is read without torch."""

import json
from pathlib import Path
from typing import Any

import pytest

from ondol.errors import CorruptSource, MissingExtra, SourceError
from ondol_converters.conversion import convert
from ondol_converters.encoders import EXPORTERS, exporter
from ondol_converters.encoders.describing import describe_folder
from ondol_converters.encoders.families import EXPORTED
from ondol_converters.families import FAMILIES
from ondol_converters.families.catalog import catalog

CONFIG: dict[str, Any] = {
    "model_type": "xlm-roberta",
    "architectures": ["XLMRobertaModel"],
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "max_position_embeddings": 514,
    "pad_token_id": 1,
}


def folder(path: Path, config: dict[str, Any] | None = None, **files: object) -> Path:
    path.mkdir(exist_ok=True)
    (path / "config.json").write_text(json.dumps(CONFIG | (config or {})))
    for name, content in files.items():
        (path / f"{name}.json").write_text(json.dumps(content))
    return path


def test_positions_limits_and_defaults(tmp_path: Path) -> None:
    found = describe_folder(folder(tmp_path / "plain"))
    assert (found.task, found.context, found.pad) == ("embed", 512, 1)
    assert (found.use.pooling, found.use.normalised, found.use.query_prefix) == ("mean", True, "")
    short = folder(tmp_path / "short", tokenizer_config={"model_max_length": 128})
    assert describe_folder(short).context == 128
    endless = folder(tmp_path / "endless", tokenizer_config={"model_max_length": 10**30})
    assert describe_folder(endless).context == 512
    bert = folder(tmp_path / "bert", {"model_type": "bert", "max_position_embeddings": 512})
    assert describe_folder(bert).context == 512


def test_the_e5_family_has_its_prefixes(tmp_path: Path) -> None:
    use = describe_folder(folder(tmp_path / "multilingual-e5-base")).use
    assert (use.query_prefix, use.passage_prefix) == ("query: ", "passage: ")


@pytest.mark.parametrize(
    ("head", "task"), [("SequenceClassification", "classify"), ("TokenClassification", "tag")]
)
def test_heads_tell_tasks_and_labels(tmp_path: Path, head: str, task: str) -> None:
    config = {"architectures": [f"XLMRobertaFor{head}"], "id2label": {"1": "B", "0": "A"}}
    found = describe_folder(folder(tmp_path / "head", config))
    assert (found.task, found.labels) == (task, ("A", "B"))


@pytest.mark.parametrize(
    ("config", "files", "error"),
    [
        ({"pad_token_id": None}, {}, CorruptSource),
        ({"max_position_embeddings": "x"}, {}, CorruptSource),
        (
            {"architectures": ["XLMRobertaForSequenceClassification"], "id2label": {"0": "A"}},
            {},
            CorruptSource,
        ),
        (
            {
                "architectures": ["XLMRobertaForSequenceClassification"],
                "problem_type": "multi_label_classification",
            },
            {},
            SourceError,
        ),
        ({}, {"modules": [{"type": "a.Dense", "path": "d"}]}, SourceError),
        ({}, {"modules": {"no": "list"}}, CorruptSource),
        ({}, {"modules": [{"type": "a.Pooling", "path": "../x"}]}, CorruptSource),
    ],
)
def test_what_cannot_be_converted_is_named(
    tmp_path: Path, config: dict[str, Any], files: dict[str, object], error: type[SourceError]
) -> None:
    with pytest.raises(error) as caught:
        describe_folder(folder(tmp_path / "bad", config, **files))
    assert caught.value.why


def test_models_go_where_their_kind_goes(tmp_path: Path) -> None:
    assert exporter(folder(tmp_path / "encoder")) is not None
    assert exporter(folder(tmp_path / "decoder", {"model_type": "llama"})) is None
    assert exporter(tmp_path / "model.gguf") is None
    assert not set(EXPORTED) & set(FAMILIES)
    assert {family.kind for family in EXPORTED.values()} <= set(EXPORTERS)


def test_families_lists_them() -> None:
    found = {facts.name: facts for facts in catalog() if facts.through == "optimum"}
    assert set(found) == set(EXPORTED)
    assert all(facts.models and facts.sources == ("huggingface",) for facts in found.values())


def test_without_torch_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ondol_converters.encoders import exported

    monkeypatch.setitem(__import__("sys").modules, "optimum", None)
    monkeypatch.setattr(exported, "_words", lambda *_: exported._Words("", None))
    with pytest.raises(MissingExtra, match="optimum") as caught:
        convert(folder(tmp_path / "encoder"), tmp_path / "bundle")
    assert caught.value.fix == 'pip install "ondol[reference]"'
    assert not (tmp_path / "bundle").exists()
