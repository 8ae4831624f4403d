"""Which modules others need: every kind of import, read and not run."""

import sys
from pathlib import Path

import pytest

from ondol.embedded.modules import needed
from ondol.errors import MissingExtra

FILES = {
    "__init__.py": "raise SystemExit('imported')\n",
    "a.py": "import made_up.b\nfrom made_up import c, VALUE\nimport json.decoder as d\n",
    "b.py": "def f():\n    from made_up.deep import leaf\n    import numpy\n",
    "c.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import made_up.typed\n"
    "else:\n    import made_up.untyped\n",
    "deep/__init__.py": "from .leaf import x\nfrom . import twig\n",
    "deep/leaf.py": "from ..up import y\n",
    "deep/twig.py": "import made_up.a\n",
    "up.py": "try:\n    from ._compiled import f\nexcept ImportError:\n    from .slow import f\n",
    "slow.py": "",
    "typed.py": "",
    "untyped.py": "",
    "stranger.py": "",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "made_up" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_all_that_is_imported_and_nothing_else(package: Path) -> None:
    found = needed(["made_up.a"], ["made_up"])
    assert found.files == {
        f"made_up/{name}": package / "made_up" / name
        for name in sorted(FILES)
        if name not in ("typed.py", "stranger.py")
    }
    assert list(found.files) == sorted(found.files)
    assert found.others == {"json", "numpy", "typing"}
    assert "made_up" not in sys.modules


def test_a_package_without_sources_is_named() -> None:
    with pytest.raises(MissingExtra, match="no_such_package"):
        needed(["no_such_package.a"], ["no_such_package"])
    with pytest.raises(MissingExtra, match="sys"):
        needed(["sys"], ["sys"])
