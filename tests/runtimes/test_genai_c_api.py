"""GENAI_C_API.md: its program, built by its own line, gives our greedy tokens and text."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

import ondol_runtimes
from genai_environment import needs_genai, python
from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.reply import Limits
from ondol.sampling import Sampling
from ondol.session import Conversation
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options
from tiny_models import CONTEXT, MODELS, Tiny
from weights import starter_bundle

PAGE = Path(ondol_runtimes.__file__).parents[1] / "GENAI_C_API.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WHERE = """
import importlib.util as u, pathlib as p
print(u.find_spec("onnxruntime_genai").submodule_search_locations[0])
home = p.Path(u.find_spec("onnxruntime").submodule_search_locations[0])
print(next(home.glob("capi/libonnxruntime.so*")))
"""
TEXT, COUNT = "대한민국의 수도는", 16
TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}model: "

pytestmark = [
    needs_genai,
    pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler: apt-get install gcc"),
]


def block(language: str) -> str:
    (found,) = (text for name, text in BLOCK.findall(PAGE.read_text("utf-8")) if name == language)
    return str(found)


@dataclass(frozen=True, slots=True)
class Program:
    """The page's program, built, and the line that runs it."""

    folder: Path
    line: str
    environment: dict[str, str]

    def run(self, bundle: Path, text: str) -> "subprocess.CompletedProcess[str]":
        assert f'"{TEXT}" {COUNT}' in self.line
        return subprocess.run(
            ["sh", "-ec", self.line.replace(f'"{TEXT}"', '"$TEXT"')],
            cwd=self.folder,
            env={**self.environment, "BUNDLE": str(bundle), "TEXT": text},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=240,
            check=False,
        )


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("program")
    (folder / "chat.c").write_text(block("c"), "utf-8")
    clean = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    where = subprocess.run(
        [python(), "-c", WHERE], capture_output=True, text=True, env=clean, check=True
    )
    genai, engine = where.stdout.splitlines()
    environment = {**clean, "GENAI": genai, "ORT": engine}
    build, line = block("sh").splitlines()
    built = subprocess.run(
        ["sh", "-ec", build],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return Program(folder, line, environment)


def same(program: Program, bundle: Bundle, text: str) -> tuple[str, str]:
    """Both answer greedily, without a penalty, with the same tokens: the texts they give."""
    with Engine.open(bundle) as engine:
        talk = Conversation(engine, system="", sampling=Sampling())
        reply = talk.send(text, Limits(max_tokens=COUNT))
        said = "".join(reply)
    done = program.run(bundle.path, text)
    assert done.returncode == 0, done.stderr
    assert [int(word) for word in done.stderr.split()] == reply.ids and len(reply.ids) > 1
    return done.stdout.strip(), said.strip()


def test_a_model_that_continues_text(program: Program, tiny: Tiny) -> None:
    bundle = tiny("gemma3", "float32")
    assert bundle.decoder.bos  # the program has to put it first
    same(program, bundle, TEXT)


@pytest.mark.parametrize("text", [TEXT, '따옴표 " \\ 줄\n바꿈\t탭'])
def test_a_model_with_a_chat_template(program: Program, tmp_path: Path, text: str) -> None:
    source = shutil.copytree(MODELS / "qwen2", tmp_path / "source")
    config = source / "tokenizer_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"chat_template": TEMPLATE}))
    options = Options(weights="float32", context=CONTEXT)
    same(program, convert(source, tmp_path / "talker", options=options).bundle, text)


def test_what_fails_is_said(program: Program, tmp_path: Path) -> None:
    done = program.run(tmp_path, TEXT)
    assert done.returncode == 1 and "genai_config.json" in done.stderr


@pytest.mark.weights
@pytest.mark.parametrize("name", ["gemma", "qwen"])
def test_the_starters(program: Program, name: str) -> None:
    theirs, ours = same(program, starter_bundle(name), TEXT)
    assert theirs == ours and len(ours) > 10
