"""A model with fewer tokens: the same numbers for those it kept."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.tokenizer import Tokenizer
from ondol_converters.conversion import convert
from ondol_converters.families import recognise
from ondol_converters.quantise.blocks import dense
from ondol_converters.recipe import Options, VocabularyCut, Weights
from ondol_converters.sources import Source, open_source
from ondol_converters.vocabulary import TrimmedSource, trim
from tiny_gguf import write_gguf
from tiny_models import CONTEXT, MODELS, Tiny

NAMES = ("gemma3", "qwen2_untied", "llama3")
FOLDERS = (*NAMES, "gptj", "gpt2", "gpt_neox")
TEXT = "한가나다 the ab 가 abthe"


def options(vocabulary: VocabularyCut = "ko-en", weights: Weights = "float32") -> Options:
    return Options(weights=weights, context=CONTEXT, vocabulary=vocabulary, coverage=0.6)


def whole(source: Source, name: str) -> np.ndarray:
    info = source.tensors[name]
    return dense(source.read(name), info.kind, info.shape[-1]).reshape(info.shape)


def opened(name: str, kind: str, folder: Path) -> Source:
    if kind == "folder":
        return open_source(MODELS / name)
    return open_source(write_gguf(name, folder / "model.gguf", kind))


@pytest.mark.parametrize(
    ("name", "kind"),
    [*((name, "folder") for name in FOLDERS), *((n, "F16") for n in NAMES), ("gemma3", "Q8_0")],
)
def test_rows_of_kept_tokens_are_the_sources(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ondol_converters.vocabulary.trimmed.READ_BYTES", 1000)
    with opened(name, kind, tmp_path) as source:
        small = trim(source, options("ko-en-compact"))
        assert isinstance(small, TrimmedSource)
        kept = small.cut.kept
        _, names = recognise(source)
        assert 200 < len(kept) < 272 and small.config["vocab_size"] == len(kept)
        for tensor, info in small.tensors.items():
            expected = whole(source, tensor)
            if tensor in (names["embedding"], names["head"], names.get("head_bias")):
                assert info.shape == (len(kept), *expected.shape[1:])
                expected = expected[kept]
            assert np.array_equal(whole(small, tensor), expected), tensor
        table = names["embedding"]
        rows = [small.read(table, start, start + 7) for start in range(0, len(kept), 7)]
        assert np.array_equal(np.concatenate(rows), small.read(table))
        assert not len(small.read(table, 5, 5)) and small.files() == source.files()


@pytest.mark.parametrize(
    ("name", "weights"), [*((name, "float32") for name in FOLDERS), ("gemma3", "auto")]
)
def test_logits_of_kept_tokens_are_the_originals(
    name: str, weights: Weights, tiny: Tiny, tmp_path: Path
) -> None:
    told = options("ko-en-compact", weights)
    big, small = tiny(name, weights), convert(MODELS / name, tmp_path / "out", options=told).bundle
    with open_source(MODELS / name) as source:
        trimmed = trim(source, told)
        assert isinstance(trimmed, TrimmedSource)
        kept = trimmed.cut.kept
    with Engine.open(big) as one, Engine.open(small) as two:
        ids = two.tokenizer.encode(TEXT)
        expected = one.session.append(kept[ids].tolist())[..., kept]
        # The same weights in the same order: only the blocking of a product may differ.
        np.testing.assert_allclose(two.session.append(ids), expected, rtol=1e-5, atol=1e-6)
    assert small.decoder.vocabulary == len(kept) < big.decoder.vocabulary
    assert (small.decoder.bos, small.decoder.eos) == (len(kept) - 2, (len(kept) - 1,))


def test_the_manifest_says_what_was_done(tmp_path: Path) -> None:
    made = convert(MODELS / "qwen3", tmp_path / "out", options=options("ko-en-compact"))
    recipe = Bundle.open(tmp_path / "out").manifest.recipe
    assert (recipe.vocabulary, recipe.source_vocabulary) == ("ko-en-compact", 272)
    assert [text.name for text in recipe.calibration] == ["ondol/ko.txt", "ondol/en.txt"]
    tokenizer = Tokenizer.open(made.bundle.file("tokenizer.json"))
    assert tokenizer.size == made.bundle.decoder.vocabulary


def test_rows_without_a_token_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "padded"
    folder.mkdir()
    for file in (MODELS / "qwen3").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"vocab_size": 272', '"vocab_size": 288'))
    with open_source(MODELS / "qwen3") as source:
        tensors = {name: whole(source, name) for name in source.tensors}
    table = "model.embed_tokens.weight"
    tensors[table] = np.concatenate([tensors[table], np.ones((16, 48), np.float32)])[
        :, : tensors[table].shape[1]
    ]
    save_file(tensors, folder / "model.safetensors")
    assert load_file(folder / "model.safetensors")[table].shape[0] == 288
    full = convert(folder, tmp_path / "full", options=options("full")).bundle
    assert full.decoder.vocabulary == 288
    made = convert(folder, tmp_path / "out", options=options("ko-en")).bundle
    assert made.decoder.vocabulary <= 272 and made.manifest.recipe.source_vocabulary == 288
