"""`ondol fit`: what memory a bundle will take, what there is, and how it would be opened."""

from dataclasses import dataclass

from ondol.cli.facts import megabytes
from ondol.cli.memory import Memory, memory_bytes
from ondol.cli.options import BundleName, Context, Device, Json, Threads
from ondol.cli.output import note, show_json, show_pairs
from ondol.fitting import Footprint, Room, rooms
from ondol.language import say
from ondol.model_facts import ModelFacts
from ondol.plan import Plan


@dataclass(frozen=True, slots=True)
class Fit:
    """A bundle's memory: bytes by what they are for with the context full, and every limit."""

    bundle: str
    device: str
    plan: Plan
    footprint: Footprint
    peak_bytes: int
    limits: tuple[Room, ...]
    changes: tuple[str, ...]


def fit(
    bundle: BundleName,
    device: Device = None,
    context: Context = None,
    threads: Threads = None,
    memory: Memory = None,
    json: Json = False,
) -> None:
    """Show what memory a bundle takes."""
    from ondol import registry, store
    from ondol.fitting import fitted_by, footprint
    from ondol.plan import plan

    limit = memory_bytes(memory)
    found = store.find(bundle)
    device = device or "cpu"
    wish = plan(found, context, threads)
    fitted = fitted_by(
        registry.runtime(device), found, wish, limit, wished_context=context is not None
    )
    taken = fitted.footprint or footprint(found, fitted.plan)
    seen = Fit(found.name, device, fitted.plan, taken, taken.peak, rooms(limit), fitted.changes)
    if json:
        show_json(seen)
        return
    _show(seen, isinstance(found.manifest.model, ModelFacts))


def _show(seen: Fit, decoder: bool) -> None:
    taken = seen.footprint
    show_pairs(
        f"{seen.bundle} · {seen.device}",
        (
            (say("this program", "프로그램"), megabytes(taken.process)),
            (say("weights", "가중치"), megabytes(taken.weights)),
            (say("tokenizer", "토크나이저"), megabytes(taken.tokenizer)),
            *(
                (
                    (
                        say("keys and values", "키와 값"),
                        megabytes(taken.cache)
                        + say(f" ({seen.plan.context} tokens)", f" ({seen.plan.context}토큰)"),
                    ),
                )
                if decoder
                else ()
            ),
            (say("scratch", "작업 공간"), megabytes(taken.scratch)),
            (say("mapped files", "매핑한 파일"), megabytes(taken.mapped)),
            (say("at the peak", "최대"), megabytes(seen.peak_bytes)),
            *((room.said, megabytes(room.size_bytes)) for room in seen.limits),
        ),
    )
    for change in seen.changes:
        note(change)
