"""How long documents take to read in, and questions to answer. Aims: 40 chunks/s; 30 and 60 ms.

    python benchmarks/retrieval_times.py --prepare --scratch DIR             # makes DIR/*.db
    python benchmarks/retrieval_times.py --scratch DIR [--bundle BUNDLE] [--json]    # measures

The large libraries are DIR/ko.db, which `retrieval.py` makes, over and over: each copy has its
number in its text and its vectors moved a little, so that no two passages are equal. With
`sqlite-vec` installed, in a Python whose sqlite3 loads extensions, its scan of the same vectors
is timed beside numpy's (`--vectors-only` needs nothing but numpy and DIR).
"""

import argparse
import importlib
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SIZES = {15_000: 0.030, 100_000: 0.060}
"""Passages, and seconds that a query may take."""
LEAST_RATE = 40.0
CHARACTERS = 300
DOCUMENT_CHUNKS = 320
QUESTIONS = (
    "매크로를 기록하는 방법을 알려 줘", "표의 행 높이를 바꾸려면?", "머리글과 바닥글 넣기",
    "셀에 조건부 서식을 적용하기", "인쇄 범위를 정하는 방법", "문서를 PDF로 내보내기",
    "맞춤법 검사", "수식에서 참조를 고정하려면 어떻게 하나요?", "차트의 축 눈금",
    "데이터베이스에 연결하기",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Query:
    """Seconds of a query at one size: medians of all its parts, and the slowest tenth."""

    passages: int
    whole: float
    slowest_tenth: float
    encoding: float
    opening: float


@dataclass(frozen=True, slots=True)
class Times:
    """Chunks taken in a second, and queries."""

    chunks: int
    chunks_per_second: float
    queries: tuple[Query, ...]


def prepare(scratch: Path) -> None:
    """Make the large libraries."""
    from ondol.retrieval.chunking import Chunk
    from ondol.retrieval.database import Database
    from ondol.retrieval.rows import headings_of, insert

    small = Database.open(scratch / "ko.db")
    rows = small.connection.execute(
        "SELECT headings, text, vector FROM chunks JOIN vectors ON chunk = chunks.id"
    ).fetchall()
    encoder = small.setting("encoder")
    dice = np.random.default_rng(0)
    for size in SIZES:
        path = scratch / f"{size}.db"
        if path.exists():
            continue
        large = Database.open(path, create=True)
        with large.transaction() as connection:
            connection.execute("INSERT INTO settings VALUES ('encoder', ?)", (encoder,))
            connection.execute("INSERT INTO documents VALUES (1, '/a', 'a', x'', 0, 0)")
            for number in range(size):
                joined, text, packed = rows[number % len(rows)]
                vector: Floats = np.frombuffer(packed, np.float16).astype(np.float32)
                vector += dice.normal(0, 0.01, vector.size).astype(np.float32)
                vector /= np.linalg.norm(vector)
                chunk = Chunk(0, 0, f"{text} {number}", headings_of(joined), None)
                insert(connection, 1, chunk, vector.astype(np.float16).tobytes())
        large.close()


def timed(act: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def queries(scratch: Path, bundle: str, rounds: int) -> tuple[Query, ...]:
    """Query every size, each question some times after one that reads the file."""
    from ondol.encoder import Encoder
    from ondol.retrieval.library import Library
    from ondol.store import find

    found = []
    with Encoder.open(find(bundle)) as encoder:
        encoder.embed(["준비"], "query")
        for size in SIZES:
            with Library.open(scratch / f"{size}.db", encoder=encoder, create=False) as library:
                opening = timed(partial(library.search, "준비"))
                whole = [timed(partial(library.search, q)) for q in QUESTIONS * rounds]
            encoding = [timed(partial(encoder.embed, [q], "query")) for q in QUESTIONS]
            tenth = sorted(whole)[int(len(whole) * 0.9)]
            median = statistics.median
            found.append(Query(size, median(whole), tenth, median(encoding), opening))
    return tuple(found)


def ingesting(scratch: Path, bundle: str) -> tuple[int, float]:
    """Chunks of about 300 characters, and how many are taken in a second, reading included."""
    from ondol.encoder import Encoder
    from ondol.retrieval.database import Database
    from ondol.retrieval.library import Library
    from ondol.retrieval.sentences import splitter
    from ondol.store import find

    source = Database.open(scratch / "ko.db").connection
    texts = [row[0] for row in source.execute("SELECT text FROM chunks WHERE length(text) > 60")]
    with tempfile.TemporaryDirectory() as name, Encoder.open(find(bundle)) as encoder:
        folder = Path(name)
        filled = " ".join(texts)[: CHARACTERS * DOCUMENT_CHUNKS]
        (folder / "a.txt").write_text(filled, "utf-8")
        encoder.embed(["준비"])
        splitter()("준비.")
        with Library.open(folder / "a.db", encoder=encoder) as library:
            seconds = timed(lambda: library.ingest(folder / "a.txt"))
            (held,) = library.documents()
    return held.passages, held.passages / seconds


def vectors_only(scratch: Path) -> None:
    """A scan of 100,000 vectors by numpy and by sqlite-vec."""
    with sqlite3.connect(scratch / f"{max(SIZES)}.db") as base:
        packed = [row[0] for row in base.execute("SELECT vector FROM vectors ORDER BY chunk")]
    matrix = np.frombuffer(b"".join(packed), np.float16).reshape(len(packed), -1).astype(np.float32)
    query = matrix[7].copy()

    def by_numpy() -> object:
        scores = matrix @ query
        return np.argpartition(-scores, 100)[:100]

    print(f"numpy       {statistics.median(timed(by_numpy) for _ in range(15)) * 1e3:8.1f} ms")
    base = sqlite3.connect(":memory:")
    base.enable_load_extension(True)
    importlib.import_module("sqlite_vec").load(base)
    for kind, cast in (("float", "vec_f32"), ("int8", "vec_int8")):
        spent = _scanned(base, matrix, query, kind, cast)
        print(f"sqlite-vec {kind:5} {statistics.median(spent) * 1e3:8.1f} ms")


def _scanned(
    base: sqlite3.Connection, matrix: Floats, query: Floats, kind: str, cast: str
) -> list[float]:
    """Seconds of some scans by sqlite-vec."""
    base.execute(f"CREATE VIRTUAL TABLE {kind}s USING vec0 (v {kind}[{matrix.shape[1]}])")
    scale, dtype = (1.0, np.float32) if kind == "float" else (127.0, np.int8)
    cells: NDArray[Any] = (matrix * scale).astype(dtype)
    base.executemany(
        f"INSERT INTO {kind}s (rowid, v) VALUES (?, {cast}(?))",
        ((at, row.tobytes()) for at, row in enumerate(cells)),
    )
    wanted = (query * scale).astype(dtype).tobytes()
    select = f"SELECT rowid FROM {kind}s WHERE v MATCH {cast}(?) AND k = 100"
    return [timed(lambda: base.execute(select, (wanted,)).fetchall()) for _ in range(15)]


def main() -> None:
    """Prepare or measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--bundle", default="multilingual-e5-small")
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument("--vectors-only", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.prepare or given.vectors_only:
        (prepare if given.prepare else vectors_only)(given.scratch)
        return
    chunks, rate = ingesting(given.scratch, given.bundle)
    times = Times(chunks, rate, queries(given.scratch, given.bundle, given.rounds))
    if given.json:
        print(json.dumps(asdict(times), indent=1))
        return
    met = "met" if rate >= LEAST_RATE else "missed"
    print(f"ingest: {rate:.1f} chunks/s of {chunks}; aim {LEAST_RATE}: {met}")
    for each in times.queries:
        met = "met" if each.whole <= SIZES[each.passages] else "missed"
        print(
            f"query at {each.passages:7}: {each.whole * 1e3:6.1f} ms, slowest tenth "
            f"{each.slowest_tenth * 1e3:.1f}, of it encoding {each.encoding * 1e3:.1f}, first "
            f"{each.opening * 1e3:.0f}; aim {SIZES[each.passages] * 1e3:.0f}: {met}"
        )


if __name__ == "__main__":
    main()
