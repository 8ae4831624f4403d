"""What the packer puts into the weights file."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ondol.errors import CorruptSource
from ondol_converters.conversion import convert
from ondol_converters.families import describe, family
from ondol_converters.families.decoder import Decoder
from ondol_converters.graph.weights import ALIGNMENT, WeightsFile
from ondol_converters.pack import Packer
from ondol_converters.recipe import Options
from ondol_converters.sources import Source, open_source
from ondol_converters.sources.huggingface import HEADS
from tiny_gguf import write_gguf
from tiny_models import MODELS, NAMES, Tiny


def packed(source: Source, path: Path, options: Options) -> Packer:
    decoder: Decoder = describe(source.model_type, source.config, source.format)
    names = family(source.model_type).names[source.format]
    with WeightsFile(path) as file:
        packer = Packer(source, names, decoder, options, file, 64, lambda *_: None)
        packer.weights()
        file.finish()
    return packer


@pytest.mark.parametrize("name", NAMES)
def test_every_tensor_is_read_once_and_no_more(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: dict[str, int] = {}
    with open_source(MODELS / name) as source:
        read = source.read

        def counted(name: str, start: int = 0, stop: int | None = None) -> NDArray[np.uint8]:
            raw = read(name, start, stop)
            reads[name] = reads.get(name, 0) + len(raw)
            return raw

        monkeypatch.setattr(source, "read", counted)
        packer = packed(source, tmp_path / "w", Options(context=64))
        rows = {k: t.shape[0] if len(t.shape) > 1 else 1 for k, t in source.tensors.items()}
        values = sum(int(np.prod(t.shape)) for t in source.tensors.values())
    assert reads == rows
    assert packer.parameters == values


@pytest.mark.parametrize("name", NAMES)
def test_tied_matrices_are_one_copy(name: str, tiny: Tiny) -> None:
    manifest = tiny(name, "float32").manifest
    with open_source(MODELS / name) as source:
        values = sum(int(np.prod(t.shape)) for t in source.tensors.values() if len(t.shape) > 1)
        tied = not set(HEADS) & set(source.tensors)
    assert sum(record.bytes for record in manifest.recipe.matrices) == values * 4
    names = [record.name for record in manifest.recipe.matrices]
    assert bool(set(HEADS) & set(names)) is not tied
    size = next(entry.size for entry in manifest.files if entry.path == "weights.bin")
    slack = ALIGNMENT * (len(names) + 8) + manifest.model.context * 4 * 256
    assert values * 4 <= size <= values * 4 + slack


@pytest.mark.parametrize("kind", ["Q4_0", "Q5_0", "Q8_0"])
def test_blocks_that_a_kernel_can_hold_are_exact(kind: str, tmp_path: Path) -> None:
    path = write_gguf("qwen2", tmp_path / "a.gguf", kind)
    made = convert(path, tmp_path / "out", options=Options(context=64))
    assert made.exact_share == 1.0
    assert {r.source_kind for r in made.bundle.manifest.recipe.matrices} == {kind}
    bits = 4 if kind == "Q4_0" else 8
    assert {r.bits for r in made.bundle.manifest.recipe.matrices} == {bits}


def test_what_is_rounded_is_said(tiny: Tiny) -> None:
    records = tiny("qwen2").manifest.recipe.matrices
    assert not any(record.exact for record in records)
    assert all(record.exact for record in tiny("qwen2", "float32").manifest.recipe.matrices)


def test_progress_grows_to_its_end(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    convert(
        MODELS / "llama3",
        tmp_path / "out",
        options=Options(context=64),
        progress=lambda *step: seen.append(step),
    )
    weights = [(done, total) for stage, done, total in seen if stage == "weights"]
    assert weights == sorted(weights) and weights[-1][0] == weights[-1][1]
    assert [s for s, _, _ in seen if s != "weights"] == [
        "tokenizer",
        "tokenizer",
        "graph",
        "graph",
        "hash",
        "hash",
    ]


def test_biases_of_a_gguf_follow_its_tensors(tmp_path: Path) -> None:
    """A llama with biases on q, k and v, and none on the output, is drawn as it is."""
    import gguf

    full = write_gguf("llama3", tmp_path / "full.gguf")
    dropped = "attn_output.bias"
    reader = gguf.GGUFReader(full)
    kept = [t for t in reader.tensors if not t.name.endswith(dropped)]
    assert len(kept) < len(reader.tensors)
    writer = gguf.GGUFWriter(tmp_path / "part.gguf", "llama")
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, inner)
    for tensor in kept:
        writer.add_tensor(tensor.name, np.array(tensor.data))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with open_source(tmp_path / "part.gguf") as source:
        decoder = describe(source.model_type, source.config, source.format)
    assert (decoder.qkv_bias, decoder.o_bias, decoder.mlp_bias) == (True, False, True)
    convert(tmp_path / "part.gguf", tmp_path / "out", options=Options(context=64)).bundle.verify()


def test_a_weights_file_counts_what_it_is_given(tmp_path: Path) -> None:
    with WeightsFile(tmp_path / "w") as file:
        first = file.add("a", "float32", (2, 3), [np.ones((1, 3), np.float32)] * 2)
        second = file.add("b", "uint8", (5,), [np.ones(5, np.uint8)])
        assert (first.offset, first.length) == (0, 24)
        assert (second.offset, second.length) == (ALIGNMENT, 5)
        with pytest.raises(ValueError, match="20 bytes written, 24 expected"):
            file.add("c", "float32", (6,), [np.ones(5, np.float32)])


def test_a_source_that_lies_about_a_row_is_corrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_source(MODELS / "qwen2") as source:
        read = source.read
        monkeypatch.setattr(source, "read", lambda *a: read(*a)[:, :-2])
        with pytest.raises(CorruptSource):
            packed(source, tmp_path / "w", Options(context=64))
