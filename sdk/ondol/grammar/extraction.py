"""Text in, data out: `extract(engine, text, Receipt)` is a `Receipt`, or a named error."""

import json
import math
import unicodedata
from collections.abc import Mapping
from types import UnionType
from typing import Any, Protocol, TypeVar, overload

from ondol.engine import Engine
from ondol.errors import BadPrompt, CutShort, InvalidData
from ondol.grammar.kinds import instance, is_pydantic
from ondol.grammar.rules import Json
from ondol.grammar.schemas import text_of
from ondol.instruction import instructed
from ondol.language import say
from ondol.reply import Finish, Limits, Reply
from ondol.sampling import Sampling
from ondol.session import Conversation
from ondol.template import Message

INSTRUCTION = "글에서 아래 JSON 스키마에 맞는 정보를 찾아 JSON으로만 답하세요."
WHOLE = (Finish.END, Finish.COMPLETE)

Made = TypeVar("Made")


class HasEngine(Protocol):
    """What holds an open engine, such as an assistant."""

    @property
    def engine(self) -> Engine:
        """The engine."""
        ...


@overload
def extract(
    source: Engine | HasEngine,
    text: str,
    schema: type[Made],
    *,
    instruction: str = ...,
    sampling: Sampling | None = ...,
    limits: Limits | None = ...,
) -> Made: ...
@overload
def extract(
    source: Engine | HasEngine,
    text: str,
    schema: Mapping[str, Any] | UnionType,
    *,
    instruction: str = ...,
    sampling: Sampling | None = ...,
    limits: Limits | None = ...,
) -> Any: ...
def extract(
    source: Engine | HasEngine,
    text: str,
    schema: Any,
    *,
    instruction: str = INSTRUCTION,
    sampling: Sampling | None = None,
    limits: Limits | None = None,
) -> Any:
    """What a text says, as an instance of a type; the reply cannot be anything else.

    Args:
        source: an engine, or what holds one.
        text: what to read.
        schema: a dataclass, a pydantic model, what their fields may hold, or a JSON Schema as a
            mapping, which gives plain JSON values. Descriptions in it are shown to the model.
        instruction: what the model is told before the schema.
        sampling: how tokens are chosen; None: greedy.
        limits: when the reply ends at the latest.

    Raises:
        BadGrammar: if the schema cannot be used.
        BadPrompt: if the text is empty.
        ContextFull: if text and schema leave no room for an answer.
        CutShort: if the reply ended before the data was whole.
        InvalidData: if a check of the type's own, such as a pydantic validator, refuses the data.
        MissingExtra: if llguidance is not installed.
    """
    engine = source if isinstance(source, Engine) else source.engine
    if not isinstance(text, str) or not text.strip():
        raise BadPrompt(
            say("The text to read is empty.", "읽을 글이 비어 있습니다."),
            say("There is nothing to find in it.", "찾을 내용이 없습니다."),
            say("Pass a text.", "글을 넣으세요."),
        )
    form = Json(schema)
    asked = f"{instruction}\n{text_of(form.schema)}"
    reply = engine.reply(
        instructed(Conversation(engine, system=""), asked, [Message("user", text)]),
        sampling,
        limits,
        form,
    )
    reply.read()
    return data_of(reply, schema)


def data_of(reply: Reply, schema: Any) -> Any:
    """The data of a reply that was made with `Json(schema)`.

    Args:
        reply: a reply, read to its end.
        schema: what it was held to.

    Raises:
        CutShort: if the reply ended before the data was whole.
        InvalidData: if it is no instance of the schema's type.
    """
    if reply.finish not in WHOLE:
        raise CutShort(
            say(
                "The reply ended before its data was whole.",
                "데이터가 다 나오기 전에 답이 끝났습니다.",
            ),
            say(f"It ended as {reply.finish}.", f"끝난 까닭: {reply.finish}"),
            say(
                "Allow more tokens, a larger context, or shorter values in the schema.",
                "토큰이나 문맥을 늘리거나 스키마에서 값을 더 짧게 하세요.",
            ),
            reply.text,
            str(reply.finish),
        )
    return parsed(reply.text, schema)


def parsed(text: str, schema: Any) -> Any:
    """JSON text as an instance of a type, or as plain values for a schema; strings in NFC.

    Raises:
        InvalidData: if it is not JSON, has a key twice, or is no instance of the type.
    """
    try:
        data = _normal(json.loads(text, object_pairs_hook=_unique))
        if is_pydantic(schema):
            return schema.model_validate_json(json.dumps(data))
        return data if isinstance(schema, Mapping) else instance(schema, data)
    except (ValueError, RecursionError) as exc:  # pydantic's own error is a ValueError too
        raise InvalidData(
            say("The reply is no instance of the type.", "답이 요구한 타입에 맞지 않습니다."),
            str(exc)[:400],
            say("Ask again, or loosen the type.", "다시 묻거나 타입의 조건을 줄이세요."),
            text,
        ) from exc


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = {unicodedata.normalize("NFC", key): value for key, value in pairs}
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def _normal(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number is out of range")
    if isinstance(value, list):
        return [_normal(one) for one in value]
    if isinstance(value, dict):
        return {key: _normal(one) for key, one in value.items()}
    return value
