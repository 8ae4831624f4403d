import hashlib
import json
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import save_file

from ondol.errors import CorruptSource, MissingTokenizer, SourceError
from ondol_converters.quantise.blocks import dense
from ondol_converters.sources import SourceFile, TensorInfo, open_source
from ondol_converters.sources.huggingface import HuggingFaceSource

CONFIG: dict[str, Any] = {"model_type": "llama", "hidden_size": 8, "vocab_size": 6}
MEMORY_BYTES = 4 << 20


def values(rows: int = 6, columns: int = 8) -> NDArray[np.float32]:
    return np.random.default_rng(5).standard_normal((rows, columns)).astype(np.float32)


def entry(dtype: Any, shape: Any, begin: Any, end: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def safetensors(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


def folder(path: Path, weights: bytes | None, config: object = CONFIG) -> Path:
    (path / "config.json").write_text(json.dumps(config))
    if weights is not None:
        (path / "model.safetensors").write_bytes(weights)
    return path


def bf16(numbers: NDArray[np.float32]) -> bytes:
    return (numbers.view(np.uint32) >> 16).astype("<u2").tobytes()


def test_reads_what_safetensors_wrote(tmp_path: Path) -> None:
    numbers = values()
    stored = {
        "model.embed_tokens.weight": numbers,
        "model.norm.weight": numbers[0].copy(),
        "half": numbers.astype(np.float16),
    }
    save_file(stored, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with open_source(folder(tmp_path, None)) as source:
        assert isinstance(source, HuggingFaceSource)
        assert (source.format, source.model_type) == ("huggingface", "llama")
        assert set(source.tensors) == set(stored)
        assert source.tensors["half"] == TensorInfo("half", (6, 8), "F16")
        embedding = source.read("model.embed_tokens.weight", 1, 3)
        assert np.array_equal(dense(embedding, "F32", 8), numbers[1:3])
        assert np.array_equal(dense(source.read("model.norm.weight"), "F32", 8), numbers[:1])
        assert np.array_equal(dense(source.read("half"), "F16", 8), stored["half"])
        assert source.read("half", 6).shape == (0, 16)
        assert source.config["tie_word_embeddings"] is True
        with pytest.raises(CorruptSource, match="no tensor 'absent'"):
            source.read("absent")


def test_bf16_without_torch(tmp_path: Path) -> None:
    numbers = values()
    header = {"w": entry("BF16", [6, 8], 0, 96)}
    source = HuggingFaceSource(folder(tmp_path, safetensors(header, bf16(numbers))))
    found = dense(source.read("w"), "BF16", 8)
    assert np.array_equal(found.view(np.uint32), numbers.view(np.uint32) & 0xFFFF0000)


def test_shards_are_one_model(tmp_path: Path) -> None:
    numbers = values()
    names = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    save_file({"a": numbers}, tmp_path / names[0])
    save_file({"b": numbers[:2] * 2, "unlisted": numbers}, tmp_path / names[1])
    index = {"metadata": {}, "weight_map": {"a": names[0], "b": names[1]}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    source = HuggingFaceSource(folder(tmp_path, None))
    assert set(source.tensors) == {"a", "b"}
    assert np.array_equal(dense(source.read("b"), "F32", 8), numbers[:2] * 2)
    files = source.files()
    assert [file.name for file in files] == ["config.json", "model.safetensors.index.json", *names]
    assert all(file.size == (tmp_path / file.name).stat().st_size for file in files)


def test_files_are_hashed(tmp_path: Path) -> None:
    weights = safetensors({"w": entry("F32", [2], 0, 8)}, bytes(8))
    found = HuggingFaceSource(folder(tmp_path, weights)).files()
    assert found[1] == SourceFile(
        "model.safetensors", len(weights), hashlib.sha256(weights).hexdigest()
    )


def test_the_text_model_of_a_model_of_more(tmp_path: Path) -> None:
    names = {
        "language_model.model.norm.weight": "model.norm.weight",
        "model.language_model.layers.0.mlp.up_proj.weight": "model.layers.0.mlp.up_proj.weight",
        "vision_tower.patch.weight": "vision_tower.patch.weight",
    }
    save_file({name: values() for name in names}, tmp_path / "model.safetensors")
    config = {
        "model_type": "gemma3",
        "tie_word_embeddings": True,
        "text_config": {"model_type": "gemma3_text", "hidden_size": 2560},
        "vision_config": {"hidden_size": 1152},
    }
    source = HuggingFaceSource(folder(tmp_path, None, config))
    assert source.model_type == "gemma3_text"
    assert source.config["hidden_size"] == 2560
    assert "vision_config" not in source.config
    assert set(source.tensors) == set(names.values())
    assert source.read("model.norm.weight").shape == (6, 32)


def test_rope_parameters_of_transformers_5(tmp_path: Path) -> None:
    weights = safetensors({"lm_head.weight": entry("F32", [2], 0, 8)}, bytes(8))
    plain = {"rope_theta": 1e6, "rope_type": "default"}
    llama3 = {"rope_theta": 5e5, "rope_type": "llama3", "factor": 8.0}
    both = {"sliding_attention": {"rope_theta": 1e4}, "full_attention": {"rope_theta": 1e6}}

    def config_of(ropes: object) -> dict[str, Any]:
        source = HuggingFaceSource(folder(tmp_path, weights, {**CONFIG, "rope_parameters": ropes}))
        return {key: source.config.get(key) for key in ("rope_theta", "rope_scaling")} | {
            "local": source.config.get("rope_local_base_freq")
        }

    assert config_of(plain) == {"rope_theta": 1e6, "rope_scaling": None, "local": None}
    assert config_of(llama3) == {
        "rope_theta": 5e5,
        "rope_scaling": {"rope_type": "llama3", "factor": 8.0},
        "local": None,
    }
    assert config_of(both) == {"rope_theta": 1e6, "rope_scaling": None, "local": 1e4}


def test_no_tokenizer(tmp_path: Path) -> None:
    weights = safetensors({"w": entry("F32", [2], 0, 8)}, bytes(8))
    with pytest.raises(MissingTokenizer):
        HuggingFaceSource(folder(tmp_path, weights)).tokenizer()


GOOD = entry("F32", [2, 2], 0, 16)
LIES = {
    "empty file": (b"", "claims a header"),
    "seven bytes": (bytes(7), "claims a header"),
    "a header of 2^60 bytes": (safetensors({}, length=1 << 60), "claims a header"),
    "a header past the end": (safetensors({}, length=3), "claims a header"),
    "no JSON": (safetensors(b"nonsense"), "does not hold"),
    "half a JSON": (safetensors(b'{"a": {'), "does not hold"),
    "JSON not in UTF-8": (safetensors(b'{"\xff": 1}'), "does not hold"),
    "JSON too deep": (safetensors(b"[" * 200_000), "does not hold"),
    "a number of 5,000 digits": (safetensors(b'{"a": ' + b"9" * 5000 + b"}"), "does not hold"),
    "a list": (safetensors([]), "not an object"),
    "a name twice": (safetensors(b'{"a": 1, "a": 2}'), "a key comes twice"),
    "an entry that is text": (safetensors({"a": "b"}), "by no object"),
    "unknown dtype": (safetensors({"a": entry("F31", [4], 0, 16)}, bytes(16)), "unknown dtype"),
    "dtype a list": (safetensors({"a": entry([], [4], 0, 16)}, bytes(16)), "unknown dtype"),
    "no shape": (safetensors({"a": {"dtype": "F32", "data_offsets": [0, 4]}}), "no proper shape"),
    "a shape of text": (safetensors({"a": entry("F32", ["4"], 0, 16)}), "no proper shape"),
    "a negative size": (safetensors({"a": entry("F32", [-4], 0, 16)}), "no proper shape"),
    "a size of true": (safetensors({"a": entry("F32", [True], 0, 4)}), "no proper shape"),
    "a size of 2^60": (safetensors({"a": entry("F32", [1 << 60], 0, 4)}), "no proper shape"),
    "sizes that overflow": (safetensors({"a": entry("F32", [1 << 40] * 8, 0, 4)}), "cannot take"),
    "nine dimensions": (safetensors({"a": entry("F32", [1] * 9, 0, 4)}), "no proper shape"),
    "one offset": (
        safetensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0]}}),
        "no proper shape",
    ),
    "offsets the wrong way": (safetensors({"a": entry("F32", [4], 16, 0)}), "cannot take"),
    "offsets of another size": (safetensors({"a": entry("F32", [4], 0, 12)}), "cannot take"),
    "outside the file": (safetensors({"a": GOOD}, bytes(15)), "outside the file"),
    "two in one place": (safetensors({"a": GOOD, "b": GOOD}, bytes(16)), "overlaps"),
    "one into the next": (
        safetensors({"a": GOOD, "b": entry("F32", [4], 8, 24)}, bytes(24)),
        "'b' overlaps 'a'",
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_lies_are_named(tmp_path: Path, name: str) -> None:
    weights, match = LIES[name]
    path = folder(tmp_path, weights)
    tracemalloc.start()
    try:
        with pytest.raises(CorruptSource, match=match) as caught:
            open_source(path)
        assert tracemalloc.get_traced_memory()[1] < MEMORY_BYTES
    finally:
        tracemalloc.stop()
    assert "model.safetensors" in caught.value.what
    assert "SHA-256" in caught.value.fix


@pytest.mark.parametrize(
    ("shard", "match"),
    [
        ("../model.safetensors", "outside the folder"),
        ("/etc/model.safetensors", "outside the folder"),
        ("a\\..\\model.safetensors", "outside the folder"),
        ("C:model.safetensors", "outside the folder"),
        ("sub/model.safetensors", "outside the folder"),
        ("..", "outside the folder"),
        ("", "outside the folder"),
        ("config.json", "outside the folder"),
        (7, "outside the folder"),
        ("\0.safetensors", "outside the folder"),
        ("\ud800.safetensors", "outside the folder"),
        ("a" * 5000 + ".safetensors", "outside the folder"),
        ("absent.safetensors", "is missing"),
        ("there.safetensors", "not in there.safetensors"),
    ],
)
def test_shards_that_cannot_be(tmp_path: Path, shard: object, match: str) -> None:
    (tmp_path / "there.safetensors").write_bytes(safetensors({}))
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"w": shard}}))
    with pytest.raises(CorruptSource, match=match):
        HuggingFaceSource(folder(tmp_path, None))


@pytest.mark.parametrize("table", [None, [], {}, "model.safetensors"])
def test_an_index_without_a_table(tmp_path: Path, table: object) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": table}))
    with pytest.raises(CorruptSource, match="no weight_map"):
        HuggingFaceSource(folder(tmp_path, None))


@pytest.mark.parametrize("config", [{}, {"model_type": 3}, {"model_type": ""}])
def test_a_config_without_a_model_type(tmp_path: Path, config: object) -> None:
    weights = safetensors({"w": entry("F32", [2], 0, 8)}, bytes(8))
    with pytest.raises(CorruptSource, match="model_type"):
        HuggingFaceSource(folder(tmp_path, weights, config))


def test_a_folder_without_weights_or_config(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"config\.json"):
        open_source(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(SourceError, match="Neither model.safetensors"):
        open_source(folder(tmp_path, None))


def test_a_config_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "config.json").open("wb") as file:
        file.truncate(8 << 30)
    with pytest.raises(CorruptSource, match="would take"):
        open_source(tmp_path)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("fuzz"), None)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_flipped_bytes_raise_nothing_else(fuzzed: Path, data: st.DataObject) -> None:
    header = {"a": GOOD, "b": entry("BF16", [4], 16, 24), "__metadata__": {"format": "pt"}}
    raw = bytearray(safetensors(header, bytes(24)))
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=4)):
        raw[at] = data.draw(st.sampled_from(b'0129-"{}[],:e\x00\xff') | st.integers(0, 255))
    cut = data.draw(st.none() | st.integers(0, len(raw)))
    (fuzzed / "model.safetensors").write_bytes(raw[:cut])
    try:
        with HuggingFaceSource(fuzzed) as source:
            for name in source.tensors:
                source.read(name)
    except SourceError as exc:
        assert exc.what
