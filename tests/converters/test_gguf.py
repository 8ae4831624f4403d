from pathlib import Path

import gguf
import numpy as np
import pytest

from gguf_maker import (
    ARCHITECTURE,
    ARRAY,
    BOOL,
    F32,
    STRING,
    U32,
    array,
    gguf_bytes,
    key,
    tensor,
    text,
    write_tiny,
)
from ondol.errors import CorruptSource, MissingTokenizer, UnsupportedTensor
from ondol_converters.sources import TensorInfo, open_source
from ondol_converters.sources.gguf import GgufSource
from weights import gguf_path


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def u32(name: str, value: int) -> bytes:
    return key(name, U32, value.to_bytes(4, "little"))


def f32(name: str, value: float) -> bytes:
    return key(name, F32, np.float32(value).tobytes())


def config_of(tmp_path: Path, *keys: bytes, tensors: tuple[str, ...] = ()) -> GgufSource:
    entries = [tensor(name, (4,), 0, 32 * i) for i, name in enumerate(tensors)]
    data = gguf_bytes(list(keys), entries, bytes(32 * len(entries)))
    return GgufSource(write(tmp_path / "m.gguf", data))


def test_reads_what_the_gguf_package_wrote(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    stored = write_tiny(path)
    with open_source(path) as source:
        assert isinstance(source, GgufSource)
        assert (source.format, source.model_type) == ("gguf", "qwen2")
        assert list(source.tensors) == list(stored)
        assert source.tensors["token_embd.weight"] == TensorInfo(
            "token_embd.weight", (8, 64), "Q8_0"
        )
        assert source.tensors["blk.0.attn_q.weight"].kind == "F16"
        for name, values in stored.items():
            whole = values if values.ndim > 1 else values[None]
            expected = np.ascontiguousarray(whole).view(np.uint8)
            assert np.array_equal(source.read(name), expected), name
        part = source.read("token_embd.weight", 2, 5)
        assert np.array_equal(part, stored["token_embd.weight"][2:5])
        assert source.read("token_embd.weight", 8).shape == (0, 68)
        with pytest.raises(CorruptSource, match="no tensor 'absent'"):
            source.read("absent")


def test_config_has_hugging_face_names(tmp_path: Path) -> None:
    write_tiny(tmp_path / "tiny.gguf")
    config = GgufSource(tmp_path / "tiny.gguf").config
    assert dict(config) == {
        "hidden_act": "silu",
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "max_position_embeddings": 128,
        "rms_norm_eps": 1e-06,
        "rope_theta": 500000.0,
        "vocab_size": 8,
        "tie_word_embeddings": True,
        "attention_bias": True,
        "attention_out_bias": False,
        "mlp_bias": False,
        "query_pre_attn_scalar": 16,
    }


def test_vocabulary_comes_as_it_stands(tmp_path: Path) -> None:
    write_tiny(tmp_path / "tiny.gguf")
    vocabulary = GgufSource(tmp_path / "tiny.gguf").vocabulary()
    assert (vocabulary.model, vocabulary.pre) == ("gpt2", "qwen2")
    assert list(vocabulary.tokens) == ["a", "b", "ab", "<|end|>", "가", "나", "다", "라"]
    assert list(vocabulary.types) == [1, 1, 1, 3, 1, 1, 1, 1]
    assert list(vocabulary.merges) == ["a b"]
    assert (vocabulary.bos, vocabulary.eos, vocabulary.ends) == (None, 3, ())
    assert vocabulary.chat_template == "{{ messages }}"


def test_tokenizer_is_built(tmp_path: Path) -> None:
    write_tiny(tmp_path / "tiny.gguf")
    files = GgufSource(tmp_path / "tiny.gguf").tokenizer()
    assert 3 in files.eos
    assert files.chat_template == "{{ messages }}"


def test_parts_are_one_file(tmp_path: Path) -> None:
    whole = tmp_path / "tiny.gguf"
    write_tiny(whole)
    data = whole.read_bytes()
    paths = []
    for number in range(0, len(data), 333):
        paths.append(write(tmp_path / f"part{number:05}", data[number : number + 333]))
    one, many = GgufSource(whole), GgufSource(paths, name="tiny.gguf")
    assert one.tensors == many.tensors
    assert one.config == many.config
    for name in one.tensors:
        assert np.array_equal(one.read(name), many.read(name))
    assert one.files() == many.files()
    assert one.files()[0].size == len(data)


def test_version_2_reads_alike(tmp_path: Path) -> None:
    data = bytes(range(32))
    for version in (2, 3):
        raw = gguf_bytes(None, [tensor("w", (4, 2), 0)], data, version=version)
        source = GgufSource(write(tmp_path / f"v{version}", raw))
        assert source.read("w").tobytes() == data


def test_every_kind_of_value(tmp_path: Path) -> None:
    kinds = gguf.GGUFValueType
    writer = gguf.GGUFWriter(tmp_path / "v.gguf", "llama")
    values: list[tuple[gguf.GGUFValueType, int | float | bool | str]] = [
        (kinds.UINT8, 255),
        (kinds.INT8, -128),
        (kinds.UINT16, 65535),
        (kinds.INT16, -32768),
        (kinds.UINT32, 4294967295),
        (kinds.INT32, -1),
        (kinds.FLOAT32, 0.5),
        (kinds.BOOL, True),
        (kinds.STRING, "온돌"),
        (kinds.UINT64, 2**64 - 1),
        (kinds.INT64, -(2**63)),
        (kinds.FLOAT64, 0.1),
    ]
    for kind, value in values:
        writer.add_key_value(f"x.{kind.name}", value, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    found = GgufSource(tmp_path / "v.gguf").metadata
    for kind, value in values:
        assert found[f"x.{kind.name}"] == value
        assert type(found[f"x.{kind.name}"]) is type(value)


def test_strings_longer_than_the_window(tmp_path: Path) -> None:
    texts = ["", "가" * 100_000, "a", "b" * 300_000, "끝"]
    payload = array(STRING, len(texts), b"".join(text(t) for t in texts))
    source = config_of(tmp_path, ARCHITECTURE, key("x", ARRAY, payload), u32("y", 7))
    assert source.metadata["x"] == texts
    assert source.metadata["y"] == 7


def test_nested_arrays_within_reason(tmp_path: Path) -> None:
    inner = array(BOOL, 2, b"\x01\x00") + array(BOOL, 0)
    source = config_of(tmp_path, ARCHITECTURE, key("x", ARRAY, array(ARRAY, 2, inner)))
    nested = source.metadata["x"]
    assert isinstance(nested, list)
    assert [np.asarray(part).tolist() for part in nested] == [[True, False], []]


def test_gemma3_defaults(tmp_path: Path) -> None:
    arch = key("general.architecture", STRING, text("gemma3"))
    sizes = (u32("gemma3.embedding_length", 5376), u32("gemma3.attention.head_count", 32))
    config = config_of(tmp_path, arch, *sizes, u32("gemma3.attention.key_length", 128)).config
    assert config["rope_local_base_freq"] == 10000.0
    assert config["query_pre_attn_scalar"] == 128
    deep = config_of(
        tmp_path,
        arch,
        *sizes,
        u32("gemma3.attention.key_length", 128),
        u32("gemma3.block_count", 62),
        key("gemma3.rope.scaling.type", STRING, text("linear")),
        f32("gemma3.rope.scaling.factor", 8),
    )
    assert deep.model_type == "gemma3_text"
    assert deep.config["query_pre_attn_scalar"] == 168
    assert deep.config["rope_scaling"] == {"rope_type": "linear", "factor": 8.0}


def test_llama_says_what_the_converter_did(tmp_path: Path) -> None:
    source = config_of(tmp_path, ARCHITECTURE, tensors=("rope_freqs.weight", "output.weight"))
    assert source.config["interleaved_rope"] is True
    assert source.config["rope_scaling"] == {"rope_type": "tensor", "tensor": "rope_freqs.weight"}
    assert source.config["tie_word_embeddings"] is False


def test_yarn_and_partial_rotation_are_not_lost(tmp_path: Path) -> None:
    config = config_of(
        tmp_path,
        key("general.architecture", STRING, text("qwen3")),
        u32("qwen3.embedding_length", 64),
        u32("qwen3.attention.head_count", 4),
        u32("qwen3.rope.dimension_count", 8),
        key("qwen3.rope.scaling.type", STRING, text("yarn")),
        f32("qwen3.rope.scaling.factor", 4),
        u32("qwen3.rope.scaling.original_context_length", 32768),
    ).config
    assert config["partial_rotary_factor"] == 0.5
    assert config["rope_scaling"] == {
        "rope_type": "yarn",
        "factor": 4.0,
        "original_max_position_embeddings": 32768,
    }


def test_lists_by_layer(tmp_path: Path) -> None:
    arch = key("general.architecture", STRING, text("gemma3"))

    def heads(*counts: int) -> bytes:
        payload = array(U32, len(counts), np.array(counts, "<u4").tobytes())
        return key("gemma3.attention.head_count_kv", ARRAY, payload)

    assert config_of(tmp_path, arch, heads(2, 2, 2)).config["num_key_value_heads"] == 2
    with pytest.raises(UnsupportedTensor, match="differs from layer to layer"):
        config_of(tmp_path, arch, heads(2, 4))
    slides = array(BOOL, 2, b"\x01\x00")
    found = config_of(tmp_path, arch, key("gemma3.attention.sliding_window_pattern", ARRAY, slides))
    assert found.config["layer_types"] == ["sliding_attention", "full_attention"]


def test_unknown_architecture_keeps_its_word(tmp_path: Path) -> None:
    source = config_of(
        tmp_path, key("general.architecture", STRING, text("mamba")), u32("mamba.block_count", 3)
    )
    assert source.model_type == "mamba"
    assert source.config["num_hidden_layers"] == 3


def test_no_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(MissingTokenizer, match="tokenizer"):
        config_of(tmp_path, ARCHITECTURE).tokenizer()


@pytest.mark.parametrize(
    "bad",
    [
        key("tokenizer.ggml.tokens", STRING, text("abc")),
        key("tokenizer.ggml.tokens", ARRAY, array(ARRAY, 1, array(U32, 0))),
        key("tokenizer.ggml.model", U32, bytes(4)),
        key("tokenizer.ggml.eos_token_id", BOOL, b"\x01"),
        key("tokenizer.ggml.scores", ARRAY, array(STRING, 1, text("a"))),
        key("tokenizer.ggml.scores", ARRAY, array(U32, 1, bytes(4))),
    ],
)
def test_tokenizer_keys_of_the_wrong_kind(tmp_path: Path, bad: bytes) -> None:
    good = {
        b"tokenizer.ggml.model": key("tokenizer.ggml.model", STRING, text("llama")),
        b"tokenizer.ggml.tokens": key("tokenizer.ggml.tokens", ARRAY, array(STRING, 1, text("a"))),
    }
    keys = [value for name, value in good.items() if name not in bad]
    with pytest.raises(CorruptSource, match=r"tokenizer\.ggml"):
        config_of(tmp_path, ARCHITECTURE, *keys, bad).tokenizer()


@pytest.mark.weights
@pytest.mark.parametrize(
    ("name", "model_type", "vocabulary", "count"),
    [("gemma", "gemma3_text", 262144, 236), ("qwen", "qwen2", 151936, 291)],
)
def test_starter_weights(name: str, model_type: str, vocabulary: int, count: int) -> None:
    with GgufSource(gguf_path(name)) as source:
        assert source.model_type == model_type
        assert source.config["vocab_size"] == vocabulary
        assert len(source.tensors) == count
        assert len(source.vocabulary().tokens) == vocabulary
