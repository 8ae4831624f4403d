"""How a model is to be opened on a device: context, threads, and which arithmetic prefills."""

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ondol.bundle import Bundle
from ondol.errors import OptionError
from ondol.language import say

BATCH = 192  # tokens a pass: as fast as 512 or faster, in 25 to 50 MB less
FLOAT_BATCH = 512  # where every pass expands every matrix
DOT_PRODUCT_FLAGS = frozenset({"avx_vnni", "avx512_vnni"})


@dataclass(frozen=True, slots=True)
class Plan:
    """Settings of a session, all decided.

    `context` is in tokens. `integer_prefill` says that prompts run in 8-bit arithmetic, the
    faster way on processors with dot-product instructions; else they run in float32.
    `spin` lets idle threads wait in a loop: faster alone, bad beside a user interface.
    `batch` is the most tokens of a prompt that run at once. `memory` are the bytes that a device
    which streams weights keeps the process to; None: no limit.
    """

    context: int
    threads: int
    integer_prefill: bool
    spin: bool = True
    batch: int = BATCH
    memory: int | None = None


def passes(start: int, stop: int, most: int) -> Iterator[tuple[int, int]]:
    """Positions from `start` to `stop` in as few runs of at most `most` as will do, alike in size.

    Alike, since a run of one is computed by another kernel, which rounds in another way.
    """
    count = -(-(stop - start) // most)
    borders = [start + (stop - start) * n // count for n in range(count + 1)]
    return pairwise(borders)


def has_dot_product() -> bool:
    """Whether this processor multiplies and adds 8-bit integers in one instruction."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return True  # Arm: every phone and laptop of the last years has it
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return not DOT_PRODUCT_FLAGS.isdisjoint(info.split())


def usable_cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def plan(
    bundle: Bundle, context: int | None = None, threads: int | None = None, spin: bool = True
) -> Plan:
    """Settings for a bundle on this machine; what is None is chosen.

    Raises:
        OptionError: if a wish cannot be met.
    """
    longest = bundle.manifest.model.context
    if context is not None and not 1 <= context <= longest:
        raise OptionError(
            say(
                f"A context of {context} tokens is not to be had.",
                f"문맥 길이 {context}토큰은 쓸 수 없습니다.",
            ),
            say(
                f"{bundle.name} was converted for {longest}.",
                f"{bundle.name}은(는) {longest}토큰으로 변환되었습니다.",
            ),
            say(
                f"Choose 1 to {longest}, or convert again with --context.",
                f"1에서 {longest} 사이로 고르거나 --context를 주어 다시 변환하세요.",
            ),
        )
    if threads is not None and not 1 <= threads <= 1024:
        raise OptionError(
            say(f"{threads} threads cannot be meant.", f"스레드 {threads}개는 쓸 수 없습니다."),
            "",
            say("Choose 1 or more.", "1 이상으로 고르세요."),
        )
    integer = has_dot_product()
    batch = BATCH if integer else FLOAT_BATCH
    return Plan(context or longest, threads or usable_cores(), integer, spin, batch)
