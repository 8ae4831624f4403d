"""Special tokens that a chat template writes by name, as transformers would give them to it."""

import json
from dataclasses import replace
from pathlib import Path

import jinja2
import pytest

from ondol.template import ChatTemplate, Message
from ondol.tokenizer import Tokenizer
from ondol_converters.sources import TokenizerFiles
from ondol_converters.tokenizers import from_folder, from_vocabulary
from ondol_converters.tokenizers.templates import naming
from tokenizer_maker import bytelevel

WRITES = "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}{{ pad_token }}"
LEVEL = bytelevel()
NAMED = {
    "bos_token": "<|endoftext|>",
    "eos_token": {"content": "<|im_end|>"},
    "pad_token": "ab",
}


def folder(path: Path, template: str, **settings: object) -> TokenizerFiles:
    (path / "tokenizer.json").write_text(from_vocabulary(LEVEL).json, "utf-8")
    config = {**NAMED, "chat_template": template, **settings}
    (path / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
    ends = {"eos_token_id": [LEVEL.tokens.index("<|endoftext|>")]}
    (path / "generation_config.json").write_text(json.dumps(ends))
    return from_folder(path)


def prompt(files: TokenizerFiles) -> tuple[str, list[int]]:
    """What Ondol makes of a message, as text and as ids."""
    tokenizer = Tokenizer(files.json, bos=files.bos, eos=files.eos)
    chat = ChatTemplate(
        files.chat_template or "",
        special_tokens=tokenizer.special_tokens,
        bos_text=tokenizer.bos_text,
        eos_text=tokenizer.eos_text,
    )
    made = chat.render([Message("user", "안")])
    return made.text, tokenizer.encode_prompt(made)


@pytest.mark.parametrize("adds", [True, False, None])
def test_tokens_by_name_are_the_folders(tmp_path: Path, adds: bool | None) -> None:
    files = folder(tmp_path, WRITES, add_bos_token=adds)
    assert (files.bos is not None) is bool(adds)
    text, ids = prompt(files)
    assert text == "<|endoftext|>안<|im_end|>ab"
    begin, end = LEVEL.tokens.index("<|endoftext|>"), LEVEL.tokens.index("<|im_end|>")
    assert ids[0] == begin and ids.count(begin) == 1 and ids.count(end) == 1


def test_the_tokenizers_own_end_comes_before_the_generations(tmp_path: Path) -> None:
    ends = tuple(LEVEL.tokens.index(token) for token in ("<|im_end|>", "<|endoftext|>"))
    assert folder(tmp_path, WRITES).eos == ends


def test_a_gguf_that_adds_no_bos_still_names_it() -> None:
    files = from_vocabulary(replace(LEVEL, chat_template=WRITES, add_bos=False))
    assert files.bos is None and prompt(files)[0].startswith("<|endoftext|>안<|im_end|>")
    files = from_vocabulary(replace(LEVEL, chat_template=WRITES, add_bos=True))
    assert files.chat_template == WRITES and prompt(files)[0].startswith("<|endoftext|>안")


@pytest.mark.parametrize("start", ["", "\n", "\n\n", " ", "{# 말 #}\n", "{% if 1 %}\n{% endif %}"])
@pytest.mark.parametrize("text", ["<s>", 'a"b', "\\n", "한\n글", "{{ 7 }}", "%}"])
def test_nothing_else_of_a_template_changes(start: str, text: str) -> None:
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    source = start + "{{ bos_token }}."
    told = naming(source, {"bos_token": text, "pad_token": "ab"})
    assert told is not None and "pad_token" not in told
    wanted = environment.from_string(source).render(bos_token=text)
    assert environment.from_string(told).render() == wanted


def test_templates_that_name_none_stay_as_they_are() -> None:
    assert naming(None, {"bos_token": "<s>"}) is None
    assert naming("{{ my_bos_token }}", {"bos_token": "<s>"}) == "{{ my_bos_token }}"
