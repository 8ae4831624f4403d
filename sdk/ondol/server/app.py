"""The application: routes, and what each of them answers."""

import time
from concurrent.futures import ThreadPoolExecutor

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from ondol import __version__
from ondol.assistant import Assistant
from ondol.encoder import Encoder
from ondol.server import metrics, shapes
from ondol.server.admission import Places
from ondol.server.asking import Asking
from ondol.server.chat_request import ChatRequest
from ondol.server.chatting import answered
from ondol.server.connection import read_json, while_there
from ondol.server.embedding import Embedder, EmbeddingRequest
from ondol.server.guard import Guard
from ondol.server.job import Job
from ondol.server.metrics import Metrics
from ondol.server.openapi import described
from ondol.server.problems import unknown_model
from ondol.server.settings import ServerSettings


def application(
    assistant: Assistant,
    encoder: Encoder | None,
    pool: ThreadPoolExecutor,
    settings: ServerSettings,
    token: str,
) -> ASGIApp:
    """The ASGI application of one model and, where there is one, an encoder; for one event loop.

    Args:
        assistant: who answers; its model is opened now.
        encoder: who makes vectors; None: `/v1/embeddings` knows no model.
        pool: the one thread that models run in; it stays the caller's.
        settings: the limits.
        token: what requests have to show; "": nothing.

    Raises:
        BundleError, DeviceError, MissingExtra, OptionError: if the model cannot be opened.
    """
    served = _Served(assistant, encoder, pool, settings)
    router = Router(
        [
            Route("/health", served.health, methods=["GET"]),
            Route("/metrics", served.metrics, methods=["GET"]),
            Route("/openapi.json", served.openapi, methods=["GET"]),
            Route("/v1/chat/completions", served.chat, methods=["POST"]),
            Route("/v1/embeddings", served.embeddings, methods=["POST"]),
            Route("/v1/models", served.models, methods=["GET"]),
        ],
        redirect_slashes=False,
    )
    return Guard(router, settings, token, served.counts)


class _Served:
    def __init__(
        self,
        assistant: Assistant,
        encoder: Encoder | None,
        pool: ThreadPoolExecutor,
        settings: ServerSettings,
    ) -> None:
        talk = assistant.conversation()
        self._assistant = assistant
        self._settings = settings
        self._usual = talk.sampling
        self._name = talk.engine.bundle.name
        self._pool = pool
        self._embedder = Embedder(encoder, pool, settings) if encoder else None
        self._places = Places(settings)
        self._started = int(time.time())
        self.counts = Metrics(self._places)

    async def health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def metrics(self, request: Request) -> Response:
        return PlainTextResponse(self.counts.text(), media_type=metrics.CONTENT_TYPE)

    async def openapi(self, request: Request) -> Response:
        return JSONResponse(described(__version__))

    async def models(self, request: Request) -> Response:
        names = (*self._chat_models, *self._embedding_models)
        common = {"object": "model", "created": self._started, "owned_by": "ondol"}
        return JSONResponse({"object": "list", "data": [{"id": one} | common for one in names]})

    async def chat(self, request: Request) -> Response:
        data = await read_json(request, shapes.CHAT, self._settings)
        asked = ChatRequest.of(data, self._usual, self._settings.reply_seconds)
        if asked.model not in self._chat_models:
            raise unknown_model(asked.model, self._chat_models)
        asking = Asking(self._assistant, asked)
        job = Job(asking.begin, self._pool, self._places, self.counts)
        patience = self._settings.write_seconds
        return await answered(job, asking, asked, request.receive, patience)

    async def embeddings(self, request: Request) -> Response:
        data = await read_json(request, shapes.EMBEDDINGS, self._settings)
        embedder = self._embedder
        if embedder is None or data["model"] not in self._embedding_models:
            raise unknown_model(data["model"], self._embedding_models)
        asked = EmbeddingRequest.of(data, embedder.encoder.facts.width)
        return JSONResponse(await while_there(request.receive, embedder.embed(asked)))

    @property
    def _chat_models(self) -> tuple[str, ...]:
        return (self._name,)

    @property
    def _embedding_models(self) -> tuple[str, ...]:
        return (self._embedder.encoder.bundle.name,) if self._embedder else ()
