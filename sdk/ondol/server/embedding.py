"""POST /v1/embeddings: vectors of texts, one request at a time."""

import asyncio
import base64
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from ondol.encoder import Encoder, Kind
from ondol.server.admission import Places
from ondol.server.problems import invalid
from ondol.server.settings import ServerSettings


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """What a client asks for."""

    model: str
    texts: tuple[str, ...]
    kind: Kind
    encoding: Literal["float", "base64"]

    @classmethod
    def of(cls, data: Mapping[str, Any], width: int) -> "EmbeddingRequest":
        """From JSON that fits `shapes.EMBEDDINGS`.

        Raises:
            Problem: if vectors of another width are wanted.
        """
        given = data["input"]
        wanted = data.get("dimensions")
        if wanted is not None and wanted != width:
            raise invalid("dimensions", f"{wanted} ≠ {width}")
        return cls(
            data["model"],
            (given,) if isinstance(given, str) else tuple(given),
            data.get("input_type", "passage"),
            data.get("encoding_format", "float"),
        )


class Embedder:
    """An encoder for one event loop: it is asked one request after another.

    Args:
        encoder: an open encoder that embeds; it stays the caller's.
        pool: the one thread that models run in.
        settings: how many may wait, and how long.
    """

    def __init__(
        self, encoder: Encoder, pool: ThreadPoolExecutor, settings: ServerSettings
    ) -> None:
        self.encoder = encoder
        self.places = Places(settings)
        self._pool = pool

    async def embed(self, asked: EmbeddingRequest) -> dict[str, Any]:
        """The response.

        Raises:
            Problem: 429 if too many wait.
            BadPrompt, ContextFull: if a text cannot be embedded.
        """
        async with self.places.taken():
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, self._embed, asked)

    def _embed(self, asked: EmbeddingRequest) -> dict[str, Any]:
        vectors = self.encoder.embed(asked.texts, asked.kind)
        tokens = sum(len(self.encoder.tokenizer.frame(text).ids) for text in asked.texts)
        packed: list[Any] = [
            base64.b64encode(row.tobytes()).decode() if asked.encoding == "base64" else row.tolist()
            for row in vectors
        ]
        data = [
            {"object": "embedding", "index": index, "embedding": vector}
            for index, vector in enumerate(packed)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": data, "model": asked.model, "usage": usage}
