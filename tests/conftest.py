"""Fixtures that several folders of tests share."""

import json
import shutil
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from ondol import settings
from ondol.bundle import Bundle
from ondol_converters.assembly import Terms
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options, Target, Weights
from talking_model import talking
from tiny_models import CONTEXT, MODELS, Tiny

READING = 1024  # tokens
TEMPLATE = (
    "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}model: "
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the other environment say so where they are collected in this one."""
    if find_spec("torch") is None:
        elsewhere = pytest.mark.skip(reason="no torch here: make test runs it in .venv-reference")
        for item in items:
            if item.get_closest_marker("reference"):
                item.add_marker(elsewhere)


@pytest.fixture(scope="session", autouse=True)
def english() -> Iterator[None]:
    """Tests read messages in English, whatever the locale of the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONDOL_LANG", "en")
        patch.setenv("ONDOL_PROBE_SECONDS", "120")  # a busy machine is no device's fault
        yield


@pytest.fixture(scope="session", autouse=True)
def no_policy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests follow no policy and trust no key of the machine they run on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONDOL_CONFIG", str(tmp_path_factory.mktemp("config")))
        patch.setattr(settings, "system_folder", lambda: Path("/nonexistent"))
        yield


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Bundles of the models in tests/fixtures/models, converted once a session."""
    root = tmp_path_factory.mktemp("bundles")

    @cache
    def make(name: str, weights: Weights = "auto", target: Target = "cpu") -> Bundle:
        options = Options(weights=weights, context=CONTEXT, target=target)
        folder = root / ("" if target == "cpu" else target) / f"{name}-{weights}"
        folder.parent.mkdir(exist_ok=True)
        return convert(MODELS / name, folder, options=options).bundle

    return make


@pytest.fixture(scope="session")
def talker(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The bundle of a tiny model that chats."""
    return talking(tmp_path_factory.mktemp("talker"))


@pytest.fixture(scope="session")
def chatting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with a chat template and with terms that look like markup."""
    return _talker(tmp_path_factory.mktemp("chatting"), CONTEXT)


@pytest.fixture(scope="session")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a context that holds some passages."""
    return _talker(tmp_path_factory.mktemp("reading"), READING)


def _talker(root: Path, context: int) -> Path:
    source = shutil.copytree(MODELS / "qwen2", root / "source")
    config = source / "tokenizer_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"chat_template": TEMPLATE}))
    model = source / "config.json"
    wide = {"max_position_embeddings": max(READING, context)}
    model.write_text(json.dumps(json.loads(model.read_text()) | wide))
    terms = Terms(name="[bold]Own[/bold]", kind="commercial", note="\x1b[31mred", provenance="here")
    options = Options(context=context)
    return convert(source, root / "talker", options=options, terms=terms).bundle.path
