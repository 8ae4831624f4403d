"""A plan that fits the memory there is: as wished, made smaller and said, or refused."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from ondol import policy
from ondol.bundle import Bundle
from ondol.errors import NotEnoughMemory, OptionError
from ondol.fitting.footprint import Footprint, cache_row, footprint, outline_of
from ondol.fitting.room import Room, rooms
from ondol.language import say
from ondol.memory import resident_bytes
from ondol.model_facts import ModelFacts
from ondol.plan import Plan
from ondol.quality import quality_of
from ondol.runtime import Runtime

BATCHES = (128, 32)
LEAST_CONTEXT = 64  # tokens below which no conversation is to be had
KOREAN_TOKEN = 1.4  # characters, where the bundle was not measured: Qwen's, the fewest of ours
ROUGHLY = 3  # a bundle never takes more than this times its files, and
BESIDES = 512 << 20  # this much more
STACKS = 160 << 20  # addresses that threads and their heaps reserve without touching them

Measure = Callable[[Plan], Footprint]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A plan that fits, what it will take, the tightest rule, and what was made smaller for it.

    `footprint` is None where so much is free that nobody had to look.
    """

    plan: Plan
    footprint: Footprint | None
    room: Room | None
    changes: tuple[str, ...]


def fit(
    bundle: Bundle,
    plan: Plan,
    memory: int | None = None,
    *,
    wished_context: bool = False,
    streamed: bool = False,
) -> Fitted:
    """The plan, or the largest below it that fits in memory: smaller passes, a shorter context.

    The type of keys and values stays: it is the graph's, chosen when the bundle is made.

    Args:
        bundle: what is to be opened on the CPU.
        plan: how.
        memory: bytes that the process may have resident in all; None: what the system allows.
        wished_context: whether the context was asked for, so that it is not to be shortened.
        streamed: whether weights are mapped, and one piece of them at a time is enough.

    Raises:
        NotEnoughMemory: with the numbers, and the longest context that would fit.
    """
    limits = rooms(memory)
    if not limits:
        return Fitted(plan, None, None, ())
    if memory is None and bundle.size * ROUGHLY + BESIDES + _cache(bundle, plan) < _least(limits):
        return Fitted(plan, None, limits[0], ())
    outline = outline_of(bundle)

    def measure(chosen: Plan) -> Footprint:
        return footprint(bundle, chosen, None, outline, streamed=streamed)

    room, taken = _tightest(bundle, measure(plan), limits)
    if taken <= room.size_bytes:
        return Fitted(plan, measure(plan), room, ())
    small = _largest(bundle, plan, limits, measure)
    if small is None or (wished_context and small.context < plan.context):
        raise _refusal(bundle, plan, measure(plan), room, small)
    return Fitted(small, measure(small), room, tuple(_changes(bundle, plan, small)))


@runtime_checkable
class Fitting(Protocol):
    """A device that can say what a bundle will take of memory."""

    def fit(self, bundle: Bundle, plan: Plan, memory: int | None, wished_context: bool) -> Fitted:
        """The plan, or less, as `ondol.fitting.fit` chooses it; its errors."""
        ...


def fitted_by(
    runtime: Runtime, bundle: Bundle, plan: Plan, memory: int | None, *, wished_context: bool
) -> Fitted:
    """The plan as a device fits it; as it was wished, where the device cannot say what it takes.

    Raises:
        NotEnoughMemory: if nothing fits, before anything is loaded.
        OptionError: if a limit was given to a device that cannot say what it takes.
        PolicyForbids: if a policy's limit of memory is what it breaks.
    """
    ruling = policy.tightest_memory()
    limit = (ruling.memory_mb or 0) * 1_000_000 if ruling else None
    if ruling is None or limit is None or (memory is not None and memory <= limit):
        return _fitted(runtime, bundle, plan, memory, wished_context)
    try:
        return _fitted(runtime, bundle, plan, limit, wished_context)
    except (NotEnoughMemory, OptionError) as exc:
        _fitted(runtime, bundle, plan, memory, wished_context)  # else it is no policy's doing
        raise ruling.forbidden(["memory_mb"], bundle.name, exc.why, exc.fix) from exc


def allowed_memory(runtime: Runtime, bundle: Bundle, plan: Plan) -> Plan:
    """The plan where no policy limits memory, else what `fitted_by` makes of it; its errors."""
    if policy.tightest_memory() is None:
        return plan
    return fitted_by(runtime, bundle, plan, None, wished_context=True).plan


def _fitted(
    runtime: Runtime, bundle: Bundle, plan: Plan, memory: int | None, wished_context: bool
) -> Fitted:
    if isinstance(runtime, Fitting):
        return runtime.fit(bundle, plan, memory, wished_context)
    if memory is None:
        return Fitted(plan, None, None, ())
    raise no_limit(runtime.name)


def no_limit(device: str) -> OptionError:
    """The error for a memory limit given to a device that cannot say what it takes."""
    return OptionError(
        say(
            f"The device {device} cannot keep to a memory limit.",
            f"{device} 장치는 메모리 한도를 지킬 수 없습니다.",
        ),
        say("What it takes is not known beforehand.", "얼마나 쓸지 미리 알 수 없습니다."),
        say("Leave --memory out, or use --device cpu.", "--memory를 빼거나 --device cpu를 쓰세요."),
    )


def growth(bundle: Bundle, seen: Footprint, room: Room) -> int:
    """Bytes that opening will add by the way a rule counts."""
    added = seen.peak - resident_bytes()
    return added + bundle.size + STACKS if room.address else added


def _tightest(bundle: Bundle, seen: Footprint, limits: tuple[Room, ...]) -> tuple[Room, int]:
    """The rule that is broken most, or that leaves least, and what would be added."""
    room = min(limits, key=lambda each: each.size_bytes - growth(bundle, seen, each))
    return room, growth(bundle, seen, room)


def _least(limits: tuple[Room, ...]) -> int:
    return min(room.size_bytes - (STACKS if room.address else 0) for room in limits)


def _cache(bundle: Bundle, plan: Plan) -> int:
    model = bundle.manifest.model
    return cache_row(model) * plan.context if isinstance(model, ModelFacts) else 0


def _largest(bundle: Bundle, plan: Plan, limits: tuple[Room, ...], measure: Measure) -> Plan | None:
    """The plan with smaller passes, then with a shorter context; None if nothing fits."""

    def fits(chosen: Plan) -> bool:
        room, taken = _tightest(bundle, measure(chosen), limits)
        return taken <= room.size_bytes

    if not isinstance(bundle.manifest.model, ModelFacts):
        return None  # a text is encoded in one pass, whatever it takes
    smaller = [replace(plan, batch=size) for size in BATCHES if size < plan.batch]
    for chosen in smaller:
        if fits(chosen):
            return chosen
    last = smaller[-1] if smaller else plan
    low, high = LEAST_CONTEXT, plan.context
    if low > high or not fits(replace(last, context=low)):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(replace(last, context=middle)) else (low, middle)
    return replace(last, context=low)


def _changes(bundle: Bundle, plan: Plan, small: Plan) -> list[str]:
    said = []
    if small.context < plan.context:
        held = characters(bundle, small.context)
        said.append(
            say(
                f"{bundle.name}: the context is {small.context} tokens instead of {plan.context} "
                f"({held}), to fit the memory.",
                f"{bundle.name}: 메모리에 맞추어 문맥을 {plan.context}토큰에서 "
                f"{small.context}토큰으로 줄였습니다({held}).",
            )
        )
    if small.batch < plan.batch:
        said.append(
            say(
                f"{bundle.name}: prompts run {small.batch} tokens at a time, to fit the memory.",
                f"{bundle.name}: 메모리에 맞추어 질문을 {small.batch}토큰씩 처리합니다.",
            )
        )
    return said


def characters(bundle: Bundle, tokens: int) -> str:
    """How much Korean so many tokens are, and whether that was measured on this bundle."""
    quality = quality_of(bundle)
    texts = quality.texts if quality else ()
    found = next((t for t in texts if t.language == "ko" and t.tokens), None)
    if found is None:
        count = int(tokens * KOREAN_TOKEN)
        return say(f"about {count} Korean characters, estimated", f"한국어 약 {count}글자(추정)")
    count = int(tokens * found.characters / found.tokens)
    return say(f"about {count} Korean characters", f"한국어 약 {count}글자")


def _refusal(
    bundle: Bundle, plan: Plan, seen: Footprint, room: Room, small: Plan | None
) -> NotEnoughMemory:
    need, there = _mb(growth(bundle, seen, room)), _mb(room.size_bytes)
    what = say(
        f"{bundle.name} with a context of {plan.context} tokens does not fit in memory.",
        f"{bundle.name}을(를) 문맥 {plan.context}토큰으로 열 메모리가 모자랍니다.",
    )
    parts = (
        (say("weights", "가중치"), seen.weights),
        (say("keys and values", "키와 값"), seen.cache),
        (say("scratch", "작업 공간"), seen.scratch),
        (say("tokenizer", "토크나이저"), seen.tokenizer),
        (say("mapped", "매핑"), seen.mapped),
    )
    listed = ", ".join(f"{name} {_mb(count)}" for name, count in parts)
    why = say(
        f"It would take {need} more; there are {there} ({room.said}). Of it: {listed}.",
        f"{need}가 더 필요한데 {there}가 있습니다({room.said}). 내역: {listed}.",
    )
    return NotEnoughMemory(what, why, _advice(bundle, small))


def _advice(bundle: Bundle, small: Plan | None) -> str:
    if small is None:
        return say(
            "No context fits. Try --device lowmem, or convert again with --weights int4.",
            "어떤 문맥도 들어가지 않습니다. --device lowmem을 쓰거나 --weights int4로 다시 "
            "변환하세요.",
        )
    held = characters(bundle, small.context)
    longest = say(
        f"The longest context that fits is {small.context} tokens ({held}): "
        f"--context {small.context}",
        f"들어가는 가장 긴 문맥은 {small.context}토큰입니다({held}): --context {small.context}",
    )
    if bundle.decoder.cache == "int8":
        return longest
    return longest + say(
        ". Convert again with --kv-cache int8, and keys and values take a quarter.",
        ". --kv-cache int8로 다시 변환하면 키와 값이 4분의 1로 줄어듭니다.",
    )


def _mb(count: int) -> str:
    return f"{count / 1e6:.0f} MB"
