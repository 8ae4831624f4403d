"""Chats of every sort through every family's template, against what transformers renders.

`fixtures/make_template_fixtures.py` made the numbers with 4.57 and compared them with 5.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ondol.errors import TemplateError
from ondol.prompt import Prompt
from ondol.template import ChatTemplate, Message, Tool, ToolCall

FOLDER = Path(__file__).parents[1] / "fixtures" / "tokenizers"
RENDERED: dict[str, Any] = json.loads((FOLDER / "rendered.json").read_text("utf-8"))
TEMPLATES = sorted(path.stem for path in FOLDER.glob("*.jinja"))
SPECIAL = {"<|im_start|>": 1, "<|im_end|>": 2, "<bos>": 3, "<start_of_turn>": 4, "<|eot_id|>": 5}


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the fixture."""
    now = datetime.fromisoformat(RENDERED["now"])

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Clock":
            return cls(*now.timetuple()[:6])

    monkeypatch.setattr("ondol.sandbox.datetime", Clock)


def cases(name: str) -> list[dict[str, Any]]:
    found = [case for case in RENDERED["cases"] if case["template"] == name]
    assert {case["chat"] for case in found} == set(RENDERED["chats"])
    return found


def check(case: dict[str, Any], source: str) -> None:
    chat = RENDERED["chats"][case["chat"]]
    messages = [
        Message(
            one["role"],
            one["content"],
            tuple(ToolCall(**call["function"]) for call in one.get("tool_calls", ())),
            one.get("name"),
        )
        for one in chat["messages"]
    ]
    tools = chat["tools"]
    tools = None if tools is None else [Tool(**tool["function"]) for tool in tools]
    made = ChatTemplate(source, special_tokens=SPECIAL, bos_text=case["bos"], eos_text=case["eos"])

    def prompt() -> Prompt:
        return made.render(
            messages,
            tools=tools,
            add_generation_prompt=case["opened"],
            variables=case["variables"],
        )

    if "refused" in case:
        with pytest.raises(TemplateError) as caught:
            prompt()
        assert caught.value.why == case["refused"]
    else:
        assert prompt().text == case["rendered"]
        assert "".join(segment.text for segment in prompt().segments) == case["rendered"]


@pytest.mark.parametrize("name", TEMPLATES)
def test_rendering_is_transformers(name: str, stopped: None) -> None:
    for case in cases(name):
        check(case, (FOLDER / f"{name}.jinja").read_text("utf-8"))


def test_templates_refuse_and_take_what_they_say() -> None:
    """Gemma has no system turn of its own, and EXAONE 3.5 no tools."""
    by = {(c["template"], c["chat"]): c for c in RENDERED["cases"] if c["opened"]}
    assert "<start_of_turn>system" not in by["gemma", "system"]["rendered"]
    assert "refused" in by["gemma", "late system"] and "refused" in by["exaone", "calls"]
    assert by["exaone4", "late system"]["rendered"].count("[|system|]") == 1
    assert len({case["template"] for case in RENDERED["cases"]}) == len(TEMPLATES) + 1


@pytest.mark.weights
def test_rendering_of_the_files_own_template(stopped: None) -> None:
    from ondol_converters.sources.gguf import GgufSource
    from weights import gguf_path

    with GgufSource(gguf_path("qwen")) as source:
        own = source.vocabulary().chat_template
    assert own
    for case in cases("qwen"):
        check(case, own)
