"""The Python that has onnxruntime-genai, which needs an environment of its own.

ONDOL_GENAI_PYTHON names it; else `.venv-genai` beside the repository's files, which `make test`
makes.
"""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def python() -> str:
    """Its path; empty where there is none."""
    folder = ROOT / ".venv-genai" / ("Scripts" if sys.platform == "win32" else "bin")
    found = os.environ.get("ONDOL_GENAI_PYTHON") or str(folder / "python")
    return found if Path(found).exists() else ""


needs_genai = pytest.mark.skipif(
    not python(), reason="no environment with onnxruntime-genai: .ci/genai .venv-genai"
)
