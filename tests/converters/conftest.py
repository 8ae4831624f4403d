"""A hub for the tests of fetching models."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub_server import Hub, serving
from tiny_models import MODELS


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub with the tiny qwen3, and things no conversion needs."""
    files = {
        path.name: path.read_bytes() for path in (MODELS / "qwen3").iterdir() if path.is_file()
    }
    files |= {"pytorch_model.bin": b"pickle", "README.md": b"#", "LICENSE": b"Apache"}
    with serving(Hub(files, frozenset({"model.safetensors"}))) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setenv("ONDOL_HOME", str(tmp_path / "home"))
        for name in ("HF_TOKEN", "ONDOL_OFFLINE", "HF_HUB_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr("ondol_converters.hub.download.PAUSE_SECONDS", 0.01)
        yield served
