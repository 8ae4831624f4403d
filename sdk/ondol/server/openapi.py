"""`/openapi.json`: the server described for machines, from the schemas requests are held to."""

from typing import Any

from ondol.server.shapes import CHAT, EMBEDDINGS, Schema

_ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code", "what", "why", "fix"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": "string"},
                "what": {"type": "string"},
                "why": {"type": "string"},
                "fix": {"type": "string"},
            },
        }
    },
}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_COMPLETION: Schema = {
    "type": "object",
    "required": ["id", "object", "created", "model", "choices", "usage", "ondol"],
    "properties": {
        "id": {"type": "string"},
        "object": {"enum": ["chat.completion"]},
        "created": _COUNT,
        "model": {"type": "string"},
        "choices": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "type": "object",
                "required": ["index", "message", "finish_reason"],
                "properties": {
                    "index": _COUNT,
                    "message": {"type": "object", "required": ["role", "content"]},
                    "finish_reason": {"enum": ["stop", "length", "tool_calls"]},
                },
            },
        },
        "usage": {
            "type": "object",
            "properties": {
                "prompt_tokens": _COUNT,
                "completion_tokens": _COUNT,
                "total_tokens": _COUNT,
            },
        },
        "ondol": {
            "type": "object",
            "required": ["finish", "label", "mark"],
            "properties": {
                "finish": {"type": "string"},
                "label": {
                    "type": "object",
                    "required": ["ai_generated", "model", "text_sha256"],
                    "properties": {"ai_generated": {"const": True}},
                },
                "mark": {"type": "string"},
            },
        },
    },
}
_EMBEDDINGS: Schema = {
    "type": "object",
    "required": ["object", "data", "model", "usage"],
    "properties": {
        "object": {"enum": ["list"]},
        "data": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["object", "index", "embedding"],
                "properties": {
                    "index": _COUNT,
                    "embedding": {
                        "anyOf": [
                            {"type": "array", "items": {"type": "number"}},
                            {"type": "string"},
                        ]
                    },
                },
            },
        },
    },
}
_MODELS: Schema = {
    "type": "object",
    "required": ["object", "data"],
    "properties": {"data": {"type": "array", "items": {"type": "object", "required": ["id"]}}},
}
_REFUSED = ("400", "404", "408", "413", "415", "429", "500", "501", "503")


def described(version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ondol",
            "version": version,
            "summary": "Chat completions and embeddings of a model on this machine.",
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _ERROR},
        },
        "security": [{"token": []}],
        "paths": {
            "/v1/chat/completions": {
                "post": _operation(
                    "Answer a conversation, whole or as server-sent events.",
                    {
                        "application/json": {"schema": _COMPLETION},
                        "text/event-stream": {},
                    },
                    CHAT,
                )
            },
            "/v1/embeddings": {
                "post": _operation(
                    "Vectors of texts.", {"application/json": {"schema": _EMBEDDINGS}}, EMBEDDINGS
                )
            },
            "/v1/models": {
                "get": _operation("The models.", {"application/json": {"schema": _MODELS}})
            },
            "/metrics": {
                "get": _operation(
                    "Counts, as Prometheus reads them.",
                    {"text/plain": {"schema": {"type": "string"}}},
                )
            },
            "/openapi.json": {
                "get": _operation(
                    "This document.", {"application/json": {"schema": {"type": "object"}}}
                )
            },
            "/health": {
                "get": _operation(
                    "Whether somebody listens.",
                    {"application/json": {"schema": {"type": "object"}}},
                )
                | {"security": []}
            },
        },
    }


def _operation(summary: str, answer: Schema, body: Schema | None = None) -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    refused = (*_REFUSED, "401", "421") if body else ("401", "421", "500")
    responses: dict[str, Any] = {"200": {"description": "", "content": answer}}
    responses |= {code: {"description": "", "content": error} for code in refused}
    found: dict[str, Any] = {"summary": summary, "responses": responses}
    if body is not None:
        content = {"application/json": {"schema": body}}
        found["requestBody"] = {"required": True, "content": content}
    return found
