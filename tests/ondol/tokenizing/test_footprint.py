"""What opening Gemma's whole vocabulary and encoding a text costs, each way in a fresh process."""

import subprocess
import sys
from pathlib import Path

import pytest

from ondol.tokenizing.layout import TABLE
from ondol_converters.tokenizers.mapping import mapped_table

CODE = """
import sys
from pathlib import Path
from ondol.memory import release_unused, resident_bytes
from ondol.tokenizer import Tokenizer
if sys.argv[2] == "library":
    import tokenizers
release_unused()
before = resident_bytes()
tokenizer = Tokenizer.open(Path(sys.argv[1]), by=sys.argv[2])
ids = tokenizer.encode("온돌은 방바닥을 데우는 난방 방식이다.")
tokenizer.decode(ids)
release_unused()
print(resident_bytes() - before, tokenizer.backend, *ids)
"""


@pytest.mark.weights
@pytest.mark.skipif(sys.platform != "linux", reason="the system does not say")
def test_a_mapped_vocabulary_takes_a_tenth_of_the_librarys_memory(tmp_path: Path) -> None:
    from ondol_converters.sources.gguf import GgufSource
    from weights import gguf_path

    with GgufSource(gguf_path("gemma")) as source:
        text = source.tokenizer().json
    table = mapped_table(text)
    assert table is not None
    (tmp_path / "tokenizer.json").write_text(text, "utf-8")
    (tmp_path / TABLE).write_bytes(table)
    costs: dict[str, int] = {}
    ids: set[tuple[str, ...]] = set()
    for by, backend in (("any", "mapped"), ("library", "tokenizers")):
        command = [sys.executable, "-X", "utf8", "-c", CODE, str(tmp_path / "tokenizer.json"), by]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        cost, name, *found = done.stdout.split()
        assert name == backend
        costs[by] = int(cost)
        ids.add(tuple(found))
    assert len(ids) == 1
    assert costs["any"] < 12 << 20 and costs["any"] < costs["library"] / 5, costs
