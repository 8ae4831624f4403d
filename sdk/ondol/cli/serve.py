"""`ondol serve`: a model behind OpenAI's API, for programs on this machine."""

import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ondol.cli.choosing import chosen
from ondol.cli.memory import Memory, memory_bytes
from ondol.cli.options import ChatModel, Context, Device, Json, System, Threads
from ondol.cli.output import closing, note, show_json, waiting
from ondol.errors import BundleNotFound
from ondol.language import say

if TYPE_CHECKING:
    from ondol.bundle import Bundle
    from ondol.server.settings import ServerSettings

TOKEN_VARIABLE = "ONDOL_SERVE_TOKEN"
"""Where a token of the user's own comes from: a command line can be read by others."""


@dataclass(frozen=True, slots=True)
class Serving:
    """Where a server listens and what it serves; `embeddings` is empty where there is no encoder.

    `token` is empty where none is asked for.
    """

    url: str
    token: str
    model: str
    device: str
    embeddings: str


def serve(
    model: ChatModel = None,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help=say(
                "Where to listen; other machines can reach any but this one's own.",
                "접속을 받을 주소. 기본값이 아니면 다른 기기에서도 접속할 수 있습니다.",
            ),
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            "--port", metavar="N", help=say("0: one that is free.", "포트. 0이면 비어 있는 것.")
        ),
    ] = 8080,
    allow_remote: Annotated[
        bool,
        typer.Option(
            "--allow-remote",
            help=say(
                "Let other machines ask; nothing is encrypted.",
                "다른 기기의 요청도 받습니다. 전송 내용은 암호화되지 않습니다.",
            ),
        ),
    ] = False,
    no_token: Annotated[
        bool,
        typer.Option(
            "--no-token",
            help=say(
                "Let every program on this machine ask.",
                "이 기기의 모든 프로그램이 토큰 없이 쓰게 합니다.",
            ),
        ),
    ] = False,
    embeddings: Annotated[
        str | None,
        typer.Option(
            "--embeddings",
            metavar="BUNDLE",
            show_default=False,
            help=say(
                "The encoder for /v1/embeddings; otherwise the starter, where it is converted.",
                "/v1/embeddings에 쓸 인코더. 없으면 변환해 둔 기본 인코더.",
            ),
        ),
    ] = None,
    queue: Annotated[
        int,
        typer.Option(
            "--queue",
            metavar="N",
            help=say("Requests that may wait.", "기다릴 수 있는 요청의 수."),
        ),
    ] = 64,
    system: System = None,
    device: Device = None,
    threads: Threads = None,
    context: Context = None,
    memory: Memory = None,
    json: Json = False,
) -> None:
    """Serve a model."""
    from ondol.cli.making import bundle_for
    from ondol.server.settings import ServerSettings

    settings = ServerSettings(
        host=host,
        port=port,
        allow_remote=allow_remote,
        token="" if no_token else os.environ.get(TOKEN_VARIABLE) or None,
        queue=queue,
    )
    limit = memory_bytes(memory)
    bundle = bundle_for(model)
    encoder = _encoder_bundle(embeddings)
    _serve(bundle, encoder, settings, chosen(bundle, device), threads, context, limit, system, json)


def _serve(
    bundle: "Bundle",
    encoder: "Bundle | None",
    settings: "ServerSettings",
    device: str,
    threads: int | None,
    context: int | None,
    memory: int | None,
    system: str | None,
    json: bool,
) -> None:
    from ondol.assistant import Assistant
    from ondol.encoder import Encoder
    from ondol.server.serving import Server

    with ExitStack() as stack:
        opened = None if encoder is None else stack.enter_context(Encoder.open(encoder))
        assistant = stack.enter_context(
            Assistant(
                bundle,
                device=device,
                threads=threads,
                context=context,
                memory=memory,
                system=system,
            )
        )
        with waiting(say(f"Opening {bundle.name}…", f"{bundle.name} 여는 중…")):
            server = Server(assistant, opened, settings)
        name = "" if encoder is None else encoder.name
        _say(Serving(server.url, server.token, bundle.name, device, name), settings, json)
        server.run()


def _say(serving: Serving, settings: "ServerSettings", json: bool) -> None:
    """Print where it listens, and the token: once, here and nowhere else."""
    if settings.remote:
        note(
            say(
                "Warning: other machines can reach this server, and nothing is encrypted.",
                "경고: 다른 기기에서 이 서버에 접속할 수 있으며, 전송 내용은 암호화되지 않습니다.",
            )
        )
    if not serving.embeddings:
        note(
            say(
                "No embeddings: ondol convert multilingual-e5-small",
                "임베딩 없음: ondol convert multilingual-e5-small",
            )
        )
    note(say("Ctrl-C ends it.", "Ctrl-C로 끝냅니다."))
    if json:
        show_json(serving)
    else:
        closing(f"base_url  {serving.url}")
        closing(f"api_key   {serving.token or '-'}")
        closing(say("models", "모델") + f"    {serving.model} {serving.embeddings}".rstrip())
    sys.stdout.flush()


def _encoder_bundle(name: str | None) -> "Bundle | None":
    """The encoder that was named, or the starter where it has been converted."""
    from ondol import store
    from ondol.cli.making import bundle_for
    from ondol.starter import E5

    if name is not None:
        return bundle_for(name)
    try:
        return store.find(E5.name)
    except BundleNotFound:
        return None
