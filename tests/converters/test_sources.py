import sys
from pathlib import Path

import pytest

from ondol.errors import MissingExtra
from ondol_converters.sources import open_source


def test_a_missing_package_is_named_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF")
    for name in [name for name in sys.modules if name.startswith("ondol_converters.sources.gguf")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(MissingExtra, match="gguf") as caught:
        open_source(path)
    assert caught.value.fix == 'pip install "ondol[converters]"'
