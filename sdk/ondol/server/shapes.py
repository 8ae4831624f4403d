"""Requests as JSON Schemas: what `/openapi.json` tells and what `checking` holds them to."""

from typing import Any

Schema = dict[str, Any]

MOST_MESSAGES = 1000
MOST_TEXTS = 256
MOST_STOPS = 16
MOST_TOOLS = 64


def _object(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    made = {"type": "object", "properties": properties, "additionalProperties": False}
    return made | ({"required": list(required)} if required else {})


def _or_null(kind: str, **bounds: Any) -> Schema:
    return {"type": [kind, "null"], **bounds}


_NAME = {"type": "string", "minLength": 1, "maxLength": 200}
_NULL = {"type": "null"}
_TEXT_PART = _object({"type": {"enum": ["text"]}, "text": {"type": "string"}}, ("type", "text"))
_CONTENT: Schema = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "minItems": 1, "maxItems": MOST_MESSAGES, "items": _TEXT_PART},
    ]
}


_FUNCTION_NAME = {"type": "string", "pattern": "^[A-Za-z0-9_\\uac00-\\ud7a3-]{1,64}$"}
_CALL = _object(
    {
        "id": _NAME,
        "type": {"enum": ["function"]},
        "function": _object(
            {"name": _FUNCTION_NAME, "arguments": {"type": "string"}}, ("name", "arguments")
        ),
    },
    ("id", "type", "function"),
)
_TOOL = _object(
    {
        "type": {"enum": ["function"]},
        "function": _object(
            {
                "name": _FUNCTION_NAME,
                "description": _or_null("string", maxLength=4000),
                "parameters": {"type": ["object", "null"]},
                "strict": _or_null("boolean"),
            },
            ("name",),
        ),
    },
    ("type", "function"),
)


def _message(role: str | tuple[str, ...], required: tuple[str, ...], **more: Schema) -> Schema:
    roles = [role] if isinstance(role, str) else list(role)
    fields = {"role": {"enum": roles}, "content": _CONTENT, "name": _or_null("string"), **more}
    return _object(fields, required)


_MESSAGE: Schema = {
    "anyOf": [
        _message(("system", "developer", "user"), ("role", "content")),
        _message("assistant", ("role", "content"), refusal=_NULL),
        _object(
            {
                "role": {"enum": ["assistant"]},
                "content": {"anyOf": [_CONTENT, _NULL]},
                "refusal": _NULL,
                "name": _or_null("string"),
                "tool_calls": {"type": "array", "minItems": 1, "maxItems": 64, "items": _CALL},
            },
            ("role", "tool_calls"),
        ),
        _object(
            {"role": {"enum": ["tool"]}, "content": _CONTENT, "tool_call_id": _NAME},
            ("role", "content", "tool_call_id"),
        ),
    ]
}

CHAT: Schema = _object(
    {
        "model": _NAME,
        "messages": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_MESSAGES,
            "items": _MESSAGE,
        },
        "stream": _or_null("boolean"),
        "stream_options": {
            "anyOf": [_object({"include_usage": {"type": "boolean"}}), _NULL],
        },
        "max_tokens": _or_null("integer", minimum=1, maximum=1 << 20),
        "max_completion_tokens": _or_null("integer", minimum=1, maximum=1 << 20),
        "temperature": _or_null("number", minimum=0, maximum=2),
        "top_p": _or_null("number", minimum=0, maximum=1),
        "seed": _or_null("integer", minimum=0, maximum=(1 << 53) - 1),
        "stop": {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": 200},
                {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": MOST_STOPS,
                    "items": {"type": "string", "minLength": 1, "maxLength": 200},
                },
                _NULL,
            ]
        },
        "tools": {"type": ["array", "null"], "maxItems": MOST_TOOLS, "items": _TOOL},
        "tool_choice": {
            "anyOf": [
                {"enum": ["none", "auto", "required", None]},
                _object(
                    {
                        "type": {"enum": ["function"]},
                        "function": _object({"name": _FUNCTION_NAME}, ("name",)),
                    },
                    ("type", "function"),
                ),
            ]
        },
        "response_format": {
            "anyOf": [
                _object({"type": {"enum": ["text", "json_object"]}}, ("type",)),
                _object(
                    {
                        "type": {"enum": ["json_schema"]},
                        "json_schema": _object(
                            {
                                "name": _NAME,
                                "description": _or_null("string"),
                                "schema": {"type": "object"},
                                "strict": _or_null("boolean"),
                            },
                            ("name", "schema"),
                        ),
                    },
                    ("type", "json_schema"),
                ),
                _NULL,
            ]
        },
        # Of others' servers: what OpenAI's API has no name for
        "top_k": _or_null("integer", minimum=0, maximum=1 << 20),
        "min_p": _or_null("number", minimum=0, maximum=1),
        "repetition_penalty": _or_null("number", minimum=0.01, maximum=100),
        # Clients send these as they are by default; another value would change the answer
        "n": {"enum": [1, None]},
        "presence_penalty": {"enum": [0, None]},
        "frequency_penalty": {"enum": [0, None]},
        "logprobs": {"enum": [False, None]},
        "user": _or_null("string"),
    },
    ("model", "messages"),
)
"""POST /v1/chat/completions."""

EMBEDDINGS: Schema = _object(
    {
        "model": _NAME,
        "input": {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": MOST_TEXTS,
                    "items": {"type": "string", "minLength": 1},
                },
            ]
        },
        "encoding_format": {"enum": ["float", "base64"]},
        "dimensions": _or_null("integer", minimum=1, maximum=1 << 16),
        # E5's two kinds of text, by the name that other servers have for it
        "input_type": {"enum": ["query", "passage"]},
        "user": _or_null("string"),
    },
    ("model", "input"),
)
"""POST /v1/embeddings."""
