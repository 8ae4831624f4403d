import gzip
import json
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ondol.errors import BadPrompt, CorruptBundle, OptionError
from ondol.prompt import Prompt, Segment
from ondol.tokenizer import Tokenizer
from ondol_converters.tokenizers import from_vocabulary
from ondol_converters.tokenizers.pretokenizers import PRE_TOKENIZERS
from tokenizer_maker import bytelevel, sentencepiece


@pytest.fixture(autouse=True, scope="module")
def english() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONDOL_LANG", "en")
        yield


PARITY = Path(__file__).parents[1] / "fixtures" / "tokenizers" / "parity.json.gz"
SPM = sentencepiece()
JSON = from_vocabulary(SPM).json
SMALL = Tokenizer(JSON, bos=2, eos=(1, 5))
LEVEL = Tokenizer(from_vocabulary(bytelevel()).json, eos=(1,))


@given(st.text("가각힣뷁안녕e\u0301\u1100\u1161\u11a8", max_size=20))
def test_nfd_gives_the_ids_of_nfc(text: str) -> None:
    for tokenizer in (SMALL, LEVEL):
        nfc = tokenizer.encode(unicodedata.normalize("NFC", text))
        assert tokenizer.encode(unicodedata.normalize("NFD", text)) == nfc


def test_nfd_stays_apart_where_asked() -> None:
    nfd = unicodedata.normalize("NFD", "안녕")
    assert SMALL.encode(nfd, normalise=False) != SMALL.encode("안녕")


@pytest.mark.parametrize("tokenizer", [SMALL, LEVEL])
def test_special_tokens_only_where_meant(tokenizer: Tokenizer) -> None:
    for text, number in tokenizer.special_tokens.items():
        assert number not in tokenizer.encode(f"안{text}녕")
        assert tokenizer.encode(f"안{text}녕", special=True) == [
            *tokenizer.encode("안"),
            number,
            *tokenizer.encode("녕"),
        ]
        assert tokenizer.token_bytes(number) == b""


def test_prompts_begin_once() -> None:
    hello = SMALL.encode("안녕")
    assert SMALL.encode_prompt(Prompt.plain("안녕")) == [2, *hello]
    written = Prompt("<bos>안녕", (Segment("<bos>", special=True), Segment("안녕")))
    assert SMALL.encode_prompt(written) == [2, *hello]
    assert SMALL.encode_prompt(Prompt.plain("<bos>"))[1:] == SMALL.encode("<bos>")
    assert LEVEL.encode_prompt(Prompt.plain("")) == []


def test_prompts_of_another_tokenizer_are_refused() -> None:
    with pytest.raises(BadPrompt, match="im_start"):
        SMALL.encode_prompt(Prompt("", (Segment("<|im_start|>", special=True),)))


def test_token_bytes() -> None:
    byte = SPM.tokens.index("<0xEA>")
    assert SMALL.token_bytes(byte) == b"\xea"
    assert SMALL.token_bytes(SPM.tokens.index("▁안녕")) == " 안녕".encode()
    assert SMALL.token_bytes(SPM.tokens.index("</s>")) == b"</s>"
    assert LEVEL.token_bytes(0) == b"\x00"
    assert LEVEL.token_bytes(32) == b" "
    assert LEVEL.decode(LEVEL.encode("<tool_call>")) == "<tool_call>"
    assert SMALL.token_bytes(1 << 30) == b""
    with pytest.raises(OptionError):
        SMALL.token_bytes(-1)


def test_half_a_character_is_left_out() -> None:
    ids = [SPM.tokens.index(token) for token in ("안녕", "<0xEB>", "<0xB7>")]
    assert SMALL.decode(ids) == "안녕"
    assert SMALL.decode([*ids[1:], ids[0]]) == "안녕"


@pytest.mark.parametrize("text", ["\ud800", "가\udfff나", "\udc00" * 3])
def test_lone_surrogates_are_named(text: str) -> None:
    for call in (SMALL.encode, SMALL.count, lambda text: SMALL.encode_prompt(Prompt.plain(text))):
        with pytest.raises(BadPrompt) as caught:
            call(text)
        assert "U+D" in caught.value.what
        assert caught.value.fix


def test_count_and_names() -> None:
    assert SMALL.count("안녕하세요") == 1
    assert (SMALL.bos_text, SMALL.eos_text) == ("<bos>", "<eos>")
    assert (LEVEL.bos_text, SMALL.size) == ("", len(SPM.tokens))


def test_files_that_cut_and_pad_do_neither() -> None:
    whole = json.loads(JSON)
    whole["truncation"] = {
        "direction": "Right",
        "max_length": 2,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    whole["padding"] = {
        "strategy": {"Fixed": 50},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "<pad>",
    }
    assert len(Tokenizer(json.dumps(whole)).encode("한안한안한안")) == 6


def test_open_and_broken_files(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(JSON, "utf-8")
    assert Tokenizer.open(path).encode("안녕") == SMALL.encode("안녕")
    with pytest.raises(CorruptBundle):
        Tokenizer.open(tmp_path / "none.json")
    broken = ["", "{}", "[]", JSON[: len(JSON) // 2], JSON.replace('"BPE"', '"XYZ"')]
    broken.append(JSON.replace('"안 녕"', '"안 뷁"'))
    for text in broken:
        with pytest.raises(CorruptBundle):
            Tokenizer(text)
    with pytest.raises(CorruptBundle):
        Tokenizer(b"\xff" + JSON.encode())


@pytest.mark.parametrize("prefix", ["x", "길고 긴 머리글"])
def test_what_would_abort_the_library_is_a_named_error(prefix: str) -> None:
    whole = json.loads(JSON)
    whole["model"]["continuing_subword_prefix"] = prefix
    with pytest.raises(CorruptBundle, match="prefix"):
        Tokenizer(json.dumps(whole))


def test_a_word_of_a_vocabulary_is_no_list_of_merges() -> None:
    model: dict[str, Any] = {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
    }
    model |= {"max_input_chars_per_word": 100}
    words = {"[UNK]": 0, "merges": 1, "한": 2, "##국": 3}
    decoder = {"type": "WordPiece", "prefix": "##", "cleanup": False}
    whole = {"version": "1.0", "model": {**model, "vocab": words}, "decoder": decoder}
    pre = {"type": "Whitespace"}
    tokenizer = Tokenizer(json.dumps({**whole, "added_tokens": [], "pre_tokenizer": pre}))
    ids = tokenizer.encode("merges 한국 한")
    assert ids == [1, 2, 3, 2] and tokenizer.decode(ids) == "merges 한국 한"
    assert b"".join(map(tokenizer.token_bytes, ids)).decode() == " merges 한국 한"


def test_naming_imports_nothing() -> None:
    code = "import sys, ondol.tokenizer, ondol.stream, ondol.template;"
    code += "print(sorted({'tokenizers', 'jinja2', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def parity() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(PARITY.read_bytes()))
    return found


def test_the_fixture_holds_what_it_should(parity: dict[str, Any]) -> None:
    assert len(parity["texts"]) >= 2_000
    assert set("".join(parity["texts"])) >= {chr(code) for code in range(0xAC00, 0xD7A4)}
    for model in ("gemma", "qwen"):
        assert len(parity[model]) == len(parity["texts"])
        assert len(parity[f"{model}_syllables"]) == 11_172


@pytest.mark.weights
@pytest.mark.parametrize("model", ["gemma", "qwen"])
def test_ids_are_llama_cpps(parity: dict[str, Any], model: str) -> None:
    from ondol_converters.sources.gguf import GgufSource
    from weights import gguf_path

    with GgufSource(gguf_path(model)) as source:
        files = source.tokenizer()
    tokenizer = Tokenizer(files.json, bos=files.bos, eos=files.eos)
    assert files.eos == {"gemma": (1, 106), "qwen": (151_645, 151_643)}[model]
    assert files.bos == {"gemma": 2, "qwen": None}[model]
    for text, ids in zip(parity["texts"], parity[model], strict=True):
        assert tokenizer.encode(text, normalise=False) == ids
        assert tokenizer.decode(ids) == (text.replace("▁", " ") if model == "gemma" else text)
    for code, ids in enumerate(parity[f"{model}_syllables"], 0xAC00):
        assert tokenizer.encode(chr(code)) == ids
        assert tokenizer.decode(ids) == chr(code)


@pytest.mark.weights
def test_families_split_as_llama_cpp_does(parity: dict[str, Any]) -> None:
    from dataclasses import replace

    from ondol_converters.sources.gguf import GgufSource
    from weights import gguf_path

    with GgufSource(gguf_path("qwen")) as source:
        vocabulary = source.vocabulary()
    families = parity["families"]
    families |= {pre: families[twin] for pre, twin in parity["alike"].items()}
    # the llama.cpp that made the fixture does not know the word gpt-neox
    assert set(families) == set(PRE_TOKENIZERS) - {"", "gpt-neox"}
    found: dict[tuple[str, ...], list[list[int]]] = {}
    for pre, every in families.items():
        patterns = (*PRE_TOKENIZERS[pre].patterns, str(PRE_TOKENIZERS[pre].whole_words))
        if patterns not in found:
            tokenizer = Tokenizer(from_vocabulary(replace(vocabulary, pre=pre)).json)
            texts = parity["family_texts"]
            found[patterns] = [tokenizer.encode(text, normalise=False) for text in texts]
        assert found[patterns] == every, pre
