"""One server over the tiny model that chats and a random encoder."""

from collections.abc import Iterator

import pytest

from encoder_bundles import embedder
from ondol import Assistant
from ondol.bundle import Bundle
from ondol.encoder import Encoder
from ondol.server.serving import Server
from serving import serving


@pytest.fixture(scope="package")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encoder]:
    bundle = embedder(tmp_path_factory.mktemp("encoder") / "small-e5")
    with Encoder.open(bundle, device="cpu", threads=1, spin=False) as opened:
        yield opened


@pytest.fixture(scope="package")
def both(talker: Bundle, encoder: Encoder) -> Iterator[tuple[Server, Assistant]]:
    with serving(talker, None, encoder) as made:
        yield made


@pytest.fixture(scope="package")
def server(both: tuple[Server, Assistant]) -> Server:
    return both[0]


@pytest.fixture(scope="package")
def assistant(both: tuple[Server, Assistant]) -> Assistant:
    return both[1]
