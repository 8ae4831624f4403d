"""Chat templates: messages to a prompt, in a sandbox, with what users wrote kept ordinary text.

Rendering equals `apply_chat_template` of transformers. Wherever a special token's text occurs in
what came in, a noncharacter is put inside it before rendering and taken out after, so the only
special tokens of a prompt are those the template itself wrote.
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ondol.bundle import Bundle
from ondol.errors import BadPrompt, TemplateError
from ondol.language import say
from ondol.prompt import Prompt, Segment, Specials, check_text
from ondol.tokenizer import Tokenizer

TEMPLATE = "chat_template.jinja"

Json = Any
_MARKS = tuple(map(chr, range(0xFDD0, 0xFDF0)))
_MAX_SOURCE = 100_000  # characters; the longest template of a known model has 30,000


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that an assistant's message asks for; arguments as JSON values by name."""

    name: str
    arguments: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: who speaks ("system", "user", "assistant", "tool") and what they say."""

    role: str
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; `parameters` is a JSON Schema."""

    name: str
    description: str
    parameters: Mapping[str, Json] = field(default_factory=dict)


class ChatTemplate:
    """A model's chat template.

    Args:
        source: Jinja2 text, as in `chat_template.jinja`.
        special_tokens: the tokenizer's special tokens by their text.
        bos_text, eos_text: what the template finds as `bos_token` and `eos_token`.

    Raises:
        TemplateError: if the text is no Jinja2 template.
    """

    def __init__(
        self,
        source: str,
        *,
        special_tokens: Mapping[str, int],
        bos_text: str = "",
        eos_text: str = "",
    ) -> None:
        self.source = source
        self._specials = Specials(special_tokens)
        self._bos = bos_text
        self._eos = eos_text
        if len(source) > _MAX_SOURCE:
            raise _failed(f"{len(source)} > {_MAX_SOURCE}")
        from ondol.sandbox import Sandbox

        self._lock = threading.Lock()
        self._sandbox = Sandbox()
        try:
            self._template = self._sandbox.from_string(source)
        except Exception as exc:  # a template's text may break the parser in any way
            raise _failed(f"{type(exc).__name__}: {exc}") from exc

    @classmethod
    def of(cls, bundle: Bundle, tokenizer: Tokenizer) -> "ChatTemplate | None":
        """A bundle's template; None where it has none.

        Raises:
            CorruptBundle: if it is not what the manifest says.
            TemplateError: if it is no Jinja2 template.
        """
        if all(entry.path != TEMPLATE for entry in bundle.manifest.files):
            return None
        bundle.verify([TEMPLATE])
        return cls(
            bundle.read(TEMPLATE).decode("utf-8"),
            special_tokens=tokenizer.special_tokens,
            bos_text=tokenizer.bos_text,
            eos_text=tokenizer.eos_text,
        )

    def render(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Tool] | None = None,
        add_generation_prompt: bool = True,
        variables: Mapping[str, Json] | None = None,
    ) -> Prompt:
        """The prompt for a conversation.

        Args:
            messages: turns in order, at least one.
            tools: functions the model may call; None for none.
            add_generation_prompt: whether the assistant's turn is opened at the end.
            variables: further names the template knows, such as `enable_thinking`.

        Raises:
            BadPrompt: if there is no message, or text that is no Unicode.
            TemplateError: if the template fails, refuses the messages or spends its budget.
        """
        if not messages:
            raise BadPrompt(
                say("There is no message.", "메시지가 없습니다."),
                say("A prompt needs at least one.", "프롬프트에는 하나 이상 있어야 합니다."),
                say("Pass a message with role 'user'.", "role이 'user'인 메시지를 넣으세요."),
            )
        given = {
            "messages": [_message(one) for one in messages],
            "tools": None if tools is None else [_tool(one) for one in tools],
            **(variables or {}),
        }
        mark = self._unused_mark(given)
        hidden = _map_text(given, lambda text: self._specials.hide(text, mark))
        for made, message in zip(hidden["messages"], messages, strict=True):
            made["role"] = _role(message.role)
        names = {
            **hidden,
            "documents": None,
            "add_generation_prompt": add_generation_prompt,
            "bos_token": self._bos,
            "eos_token": self._eos,
        }
        return self._prompt(self._run(names), mark)

    def _run(self, names: dict[str, Json]) -> str:
        from ondol.sandbox import MAX_CHARS, RefusedError

        pieces: list[str] = []
        room = MAX_CHARS
        with self._lock:
            self._sandbox.refill()
            try:
                for piece in self._template.generate(names):
                    pieces.append(piece)
                    room -= len(piece)
                    if room < 0:
                        raise _failed(f"> {MAX_CHARS}")
            except RefusedError as exc:
                raise TemplateError(
                    say(
                        "The chat template does not take these messages.",
                        "채팅 템플릿이 이 메시지들을 받지 않습니다.",
                    ),
                    str(exc),
                    say(
                        "Change the roles or the order of the messages.",
                        "메시지의 role이나 순서를 바꾸세요.",
                    ),
                ) from exc
            except TemplateError:
                raise
            except Exception as exc:  # a template may fail in any way Python can
                raise _failed(f"{type(exc).__name__}: {exc}") from exc
        return "".join(pieces)

    def _unused_mark(self, given: Mapping[str, Json]) -> str:
        used = set(self.source)
        for text in _texts(given):
            check_text(text)
            used.update(char for char in text if char in _MARKS)
        free = [mark for mark in _MARKS if mark not in used]
        if not free:
            raise BadPrompt(
                say("The text holds noncharacters.", "글에 비문자 코드가 들어 있습니다."),
                say(
                    "All of U+FDD0 to U+FDEF occur in it.",
                    "U+FDD0부터 U+FDEF까지 모두 쓰였습니다.",
                ),
                say("Remove them from the text.", "글에서 그것들을 지우세요."),
            )
        return free[0]

    def _prompt(self, text: str, mark: str) -> Prompt:
        segments: list[Segment] = []
        for segment in self._specials.split(text, mark):
            plain = segment.text.replace(mark, "")
            if plain:
                segments.append(Segment(plain, segment.special))
        return Prompt(text.replace(mark, ""), tuple(segments))


def _role(role: str) -> str:
    """A role as it is: templates compare it, and some make a special token of it."""
    if not re.fullmatch(r"[\w-]{1,64}", role):
        raise BadPrompt(
            say(f"A message has the role {role!r}.", f"role이 {role!r}인 메시지가 있습니다."),
            say("A role is one word.", "role은 한 단어여야 합니다."),
            say(
                "Use 'system', 'user', 'assistant' or 'tool'.",
                "'system', 'user', 'assistant', 'tool' 가운데 하나를 쓰세요.",
            ),
        )
    return role


def _message(message: Message) -> dict[str, Json]:
    made: dict[str, Json] = {"role": message.role, "content": message.content}
    if message.name is not None:
        made["name"] = message.name
    if message.tool_calls:
        made["tool_calls"] = [
            {"type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    return made


def _tool(tool: Tool) -> dict[str, Json]:
    inner = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": inner}


def _map_text(value: Json, change: Callable[[str], str]) -> Json:
    """A copy of plain JSON data with every string changed, keys too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {_map_text(key, change): _map_text(one, change) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_map_text(one, change) for one in value]
    return value


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _texts(key)
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def _failed(why: str) -> TemplateError:
    return TemplateError(
        say("The chat template failed.", "채팅 템플릿을 실행하지 못했습니다."),
        why,
        say(
            "Convert the model again with another template, or use plain prompts.",
            "다른 템플릿으로 모델을 다시 변환하거나 템플릿 없이 프롬프트를 쓰세요.",
        ),
    )
