"""Memory over many turns and many cancelled replies on a real bundle. Aim: flat.

Turns are of one sliding conversation; of every cancelled reply a few tokens are made. What is
resident after the first tenth is compared with the end, by which time the context was filled.

python benchmarks/leak.py BUNDLE [--turns 1000] [--cancelled 10000] [--tokens 8] [--context 512]
"""

import argparse
import gc
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from ondol import Assistant
from ondol.memory import resident_bytes
from ondol.overflow import Overflow
from ondol.reply import Limits

MOST_GROWTH = 8 << 20
"""Bytes between the first tenth and the end: what an allocator may keep for itself."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Resident bytes after the first tenth of the work, and after all of it."""

    work: str
    count: int
    early_bytes: int
    late_bytes: int

    @property
    def holds(self) -> bool:
        """Whether it stayed flat."""
        return self.late_bytes - self.early_bytes <= MOST_GROWTH


def repeated(work: str, count: int, once: Callable[[int], None]) -> Growth:
    """Do something so many times."""
    early = 0
    for at in range(count):
        once(at)
        if at == count // 10:
            gc.collect()
            early = resident_bytes()
    gc.collect()
    return Growth(work, count, early, resident_bytes())


def main() -> int:
    """Print both figures; 1 where memory grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--turns", type=int, default=1_000)
    parser.add_argument("--cancelled", type=int, default=10_000)
    parser.add_argument("--tokens", type=int, default=8)
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    limits = Limits(max_tokens=args.tokens)
    with Assistant(args.bundle, context=args.context) as assistant:
        talk = assistant.conversation(overflow=Overflow.SLIDE)

        def turn(at: int) -> None:
            talk.send(f"{at}번째 질문입니다. 짧게 답하세요.", limits).read()

        def cancel(at: int) -> None:
            reply = assistant.reply("겨울이 오면 따뜻한 아랫목에 모여 앉아", limits=limits)
            next(reply, None)
            reply.cancel()
            reply.read()

        made = [repeated("turns", args.turns, turn)]
        made.append(repeated("cancelled replies", args.cancelled, cancel))
    if args.json:
        print(json.dumps([asdict(each) for each in made]))
    else:
        for each in made:
            early, late = each.early_bytes / 1e6, each.late_bytes / 1e6
            print(f"{each.count} {each.work}: {early:.1f} MB, then {late:.1f} MB")
    return int(not all(each.holds for each in made))


if __name__ == "__main__":
    raise SystemExit(main())
