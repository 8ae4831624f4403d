"""GGUF files written by hand, so that they can also lie."""

import struct
from pathlib import Path

import gguf
import numpy as np

U32, I32, F32, BOOL, STRING, ARRAY, U64 = 4, 5, 6, 7, 8, 9, 10


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def key(name: str | bytes, kind: int, payload: bytes) -> bytes:
    return text(name) + struct.pack("<I", kind) + payload


def array(kind: int, count: int, payload: bytes = b"") -> bytes:
    return struct.pack("<IQ", kind, count) + payload


ARCHITECTURE = key("general.architecture", STRING, text("llama"))


def tensor(
    name: str | bytes, dims: tuple[int, ...] = (4,), kind: int = 0, offset: int = 0
) -> bytes:
    sizes = struct.pack(f"<{len(dims)}Q", *dims)
    return text(name) + struct.pack("<I", len(dims)) + sizes + struct.pack("<IQ", kind, offset)


def gguf_bytes(
    keys: list[bytes] | None = None,
    tensors: list[bytes] | None = None,
    data: bytes = b"",
    *,
    magic: bytes = b"GGUF",
    version: int = 3,
    key_count: int | None = None,
    tensor_count: int | None = None,
    alignment: int = 32,
) -> bytes:
    keys = [ARCHITECTURE] if keys is None else keys
    tensors = tensors or []
    head = struct.pack(
        "<4sIQQ",
        magic,
        version,
        len(tensors) if tensor_count is None else tensor_count,
        len(keys) if key_count is None else key_count,
    )
    header = head + b"".join(keys) + b"".join(tensors)
    return header + bytes(-len(header) % alignment) + data


def write_tiny(path: Path, arch: str = "qwen2") -> dict[str, np.ndarray]:
    """A small valid file through the gguf package; returns its tensors as stored."""
    rng = np.random.default_rng(7)
    weights = (rng.standard_normal((8, 64)) * 0.1).astype(np.float32)
    stored: dict[str, np.ndarray] = {
        "token_embd.weight": gguf.quants.quantize(weights, gguf.GGMLQuantizationType.Q8_0),
        "output_norm.weight": np.linspace(0, 1, 64, dtype=np.float32),
        "blk.0.attn_q.weight": weights.astype(np.float16),
        "blk.0.attn_q.bias": np.arange(64, dtype=np.float32),
    }
    writer = gguf.GGUFWriter(path, arch)
    writer.add_context_length(128)
    writer.add_embedding_length(64)
    writer.add_block_count(1)
    writer.add_feed_forward_length(96)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(500000.0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(["a", "b", "ab", "<|end|>", "가", "나", "다", "라"])
    writer.add_token_types([1, 1, 1, 3, 1, 1, 1, 1])
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(3)
    writer.add_chat_template("{{ messages }}")
    for name, values in stored.items():
        kind = gguf.GGMLQuantizationType.Q8_0 if values.dtype == np.uint8 else None
        writer.add_tensor(name, values, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return stored
