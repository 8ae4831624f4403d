"""What both engines are asked to do, and what is measured: shared by the workers and peer.py."""

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

QUESTION = "대한민국의 수도는 어디이고, 그 도시에는 어떤 역사가 있나요?"

PROMPT = (Path(__file__).parent / "prompt.txt").read_text(encoding="utf-8").strip()


@dataclass(frozen=True, slots=True)
class Task:
    """One process' work. `text` asks for bits per character of it instead of speed."""

    model: str
    threads: int
    context: int = 4096
    prompt_tokens: int = 256
    decode_tokens: int = 64
    repeats: int = 3
    text: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one process measured. Rates per second, times in seconds, memory in bytes."""

    prefill: float
    decode: float
    characters: float
    load: float
    first_token: float
    peak_rss: int

    @classmethod
    def of(
        cls,
        prefills: Sequence[float],
        decodes: Sequence[float],
        characters: int,
        task: Task,
        load: float,
        first_token: float,
        peak_rss: int,
    ) -> "Figures":
        """Medians over the repeats, of which the first warms up and is left out."""
        decode = statistics.median(decodes[1:])
        per_token = characters / task.decode_tokens
        return cls(
            statistics.median(prefills[1:]), decode, decode * per_token, load, first_token, peak_rss
        )

    def to_json(self) -> str:
        """One line, which `parse` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, line: str) -> "Figures":
        """Figures from the line a worker printed."""
        return cls(**json.loads(line))


def bits_per_character(
    rows: "Sequence[NDArray[np.float32]]", ids: Sequence[int], text: str
) -> float:
    """Bits per character of a text: rows are logits [vocabulary] after each id but the last."""
    import numpy as np

    total = 0.0
    for row, target in zip(rows, ids[1:], strict=True):
        wide = row.astype(np.float64)
        top = wide.max()
        total += top + math.log(np.exp(wide - top).sum()) - wide[target]
    return float(total) / math.log(2) / len(text)
