"""Which architectures optimum-onnx exports, kept as data: it need not be installed to know."""

import json
from functools import cache
from importlib.resources import files

TABLE = "optimum_types.json"  # made by tests/fixtures/make_optimum_types.py from 0.1.0


@cache
def _tasks() -> dict[str, str]:
    table = json.loads((files("ondol_converters") / "families" / TABLE).read_text("utf-8"))
    return {_spelt(name): task for task, names in table.items() for name in names}


def task_of(model_type: str) -> str | None:
    """The task under which optimum exports a `model_type` whole; None where it does not."""
    return _tasks().get(_spelt(model_type))


def _spelt(model_type: str) -> str:
    return model_type.replace("_", "-")  # transformers and optimum disagree on the dash
