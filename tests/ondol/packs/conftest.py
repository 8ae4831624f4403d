"""A pack that holds, and a place of its own for packs and libraries."""

from pathlib import Path

import pytest

from ondol.packs.making import make_pack
from ondol.packs.pack import Pack


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ONDOL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return make_pack(tmp_path / "민원 안내")
