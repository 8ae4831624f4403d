"""How model families write a call, as a table; found by what their chat templates say.

From the templates that the families publish, and for Gemma 3, whose template knows no tools,
from its guide to function calling (the form with JSON), stated in the system prompt.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ondol.template import Tool


@dataclass(frozen=True, slots=True)
class CallFormat:
    """How a call stands in a reply.

    Attributes:
        name: by which tests and messages call it.
        sign: text in a chat template that tells it.
        opening: what stands before a call; "": a reply that begins with "{" is one.
        closing: what stands behind it.
        arguments: the name under which the arguments stand.
        several: whether what stands there is a list of calls.
        stated: whether the model is told of tools by our own words: its template does not.
    """

    name: str
    sign: str
    opening: str = ""
    closing: str = ""
    arguments: str = "arguments"
    several: bool = False
    stated: bool = False


FORMATS = (
    # HyperCLOVA X SEED Think
    CallFormat(
        "hyperclovax",
        "assistant -> tool/function_call",
        opening=" -> tool/function_call\n",
        several=True,
    ),
    # Qwen 2.5 and 3, EXAONE 4, A.X 4, Mi:dm 2
    CallFormat("tool-call", "<tool_call>", opening="<tool_call>", closing="</tool_call>"),
    CallFormat("mistral", "[TOOL_CALLS]", opening="[TOOL_CALLS]", several=True),
    # Llama 3, Kanana 1.5
    CallFormat("llama", '"parameters"', arguments="parameters"),
    CallFormat("llama", "ipython", arguments="parameters"),
)
STATED = CallFormat("stated", "", arguments="parameters", stated=True)


def format_of(template: str) -> CallFormat:
    """The format of a model with this chat template; `STATED` where it names none of ours."""
    if "tools" not in template:
        return STATED
    return next((one for one in FORMATS if one.sign in template), STATED)


def statement(tools: Sequence[Tool], arguments: str) -> str:
    """What a model is told of tools whose template has no place for them."""
    listed = [
        {"name": one.name, "description": one.description, "parameters": one.parameters}
        for one in tools
    ]
    return (
        "다음 함수를 쓸 수 있습니다. 함수가 필요하면 다른 말 없이 "
        f'{{"name": 함수 이름, "{arguments}": {{인자 이름: 값}}}} 꼴의 JSON으로만 답하세요. '
        "필요하지 않으면 그냥 답하세요.\n"
        + "\n".join(json.dumps(one, ensure_ascii=False) for one in listed)
    )
