"""A store with two tiny bundles, and `ondol` run in this process or in one of its own."""

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import ACTING, Done, Ondol, environment
from ondol import registry
from ondol.cli.app import run
from ondol_converters.assembly import Terms
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options
from tiny_models import CONTEXT, MODELS, Tiny

TEMPLATE = (
    "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}model: "
)


@pytest.fixture(scope="session")
def chatting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with a chat template and with terms that look like markup."""
    root = tmp_path_factory.mktemp("chatting")
    source = shutil.copytree(MODELS / "qwen2", root / "source")
    config = source / "tokenizer_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"chat_template": TEMPLATE}))
    terms = Terms(name="[bold]Own[/bold]", kind="commercial", note="\x1b[31mred", provenance="here")
    options = Options(context=CONTEXT)
    return convert(source, root / "talker", options=options, terms=terms).bundle.path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Tiny, chatting: Path) -> Path:
    """A store of its own with `base` (no chat template) and `talker`; messages in English."""
    monkeypatch.setenv("ONDOL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ONDOL_LANG", "en")
    store = tmp_path / "home" / "bundles"
    store.mkdir(parents=True)
    shutil.copytree(tiny("gemma3").path, store / "base")
    shutil.copytree(chatting, store / "talker")
    return tmp_path / "home"


@pytest.fixture
def ondol(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ondol:
    """The command line in this process."""

    def call(*arguments: str, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        code = run(arguments)
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return call


@pytest.fixture
def process(home: Path) -> Ondol:
    """The command line in a process of its own, with the devices of acting_cli.py."""

    def call(*arguments: str, stdin: str = "") -> Done:
        done = subprocess.run(
            [sys.executable, str(ACTING), *arguments],
            input=stdin.encode(),
            capture_output=True,
            env=environment(),
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    return call


@pytest.fixture
def broken_device(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a device whose module cannot be imported."""
    monkeypatch.setitem(registry.DEVICES, "broken", "no_such_module_of_ondol:Runtime")
    yield "broken"
