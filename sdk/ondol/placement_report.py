"""Which node of a bundle's graph runs where, why, and what share of the work that is.

Told before the first token: costs come from the graph's shapes, places from the device itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, runtime_checkable

from ondol import registry
from ondol.bundle import Bundle
from ondol.choice import pick
from ondol.errors import OptionError
from ondol.language import say
from ondol.model_facts import ModelFacts
from ondol.plan import Plan, plan
from ondol.runtime import Runtime

COSTS = "ondol_runtimes.costs"
PROMPT_TOKENS = 256


@dataclass(frozen=True, slots=True)
class Pass:
    """One run of a graph: `tokens` new ones after `before` in a cache of `context` positions."""

    tokens: int
    before: int
    context: int


@dataclass(frozen=True, slots=True)
class NodeCost:
    """A node: `operator` outside the default domain is `domain::Name`.

    `flops` counts a multiplication with its addition as two and any other element made as one;
    `bytes` are read and written once. `weights` says that it reads a matrix of the bundle;
    `folded` that it depends on constants alone, so that it costs nothing.
    """

    name: str
    operator: str
    flops: int
    bytes: int
    weights: bool
    folded: bool


@dataclass(frozen=True, slots=True)
class Assigned:
    """Where a node runs, and why there; no device where nothing of it is left to run."""

    device: str
    reason: str


@runtime_checkable
class Places(Protocol):
    """What a device adds to `Runtime` if it knows more than that it runs whole graphs."""

    def assign(
        self, bundle: Bundle, plan: Plan, nodes: Sequence[NodeCost], tokens: int
    ) -> Sequence[Assigned]:
        """Where each node runs in a pass of so many tokens, in the order of the nodes."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """A node and where it runs."""

    node: str
    operator: str
    device: str
    reason: str
    flops: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Share:
    """What a device does of a pass; shares from 0 to 1."""

    device: str
    nodes: int
    flops: int
    bytes: int
    flops_share: float
    bytes_share: float


@dataclass(frozen=True, slots=True)
class PassPlacement:
    """One pass: its tokens, those before, every node, and each device's share."""

    tokens: int
    before: int
    rows: tuple[Row, ...]
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class PlacementReport:
    """Where a bundle's nodes run. An encoder has no `decode`.

    `prefill` is the prompt, or an encoder's text, in one pass; `decode` is the token after it.
    """

    bundle: str
    device: str
    graph: str
    prefill: PassPlacement
    decode: PassPlacement | None
    notes: tuple[str, ...]


def place(
    bundle: Bundle,
    device: str | None = None,
    *,
    prompt_tokens: int | None = None,
    context: int | None = None,
) -> PlacementReport:
    """The placement report of a bundle on a device.

    Args:
        bundle: an opened bundle.
        device: that one or an error; None: as `ondol.choice.pick` says.
        prompt_tokens: of the pass that is told; None: 256, or what the context holds.
        context: positions of the cache; None: all the bundle allows.

    Raises:
        OptionError: if the prompt leaves no room for a token.
        DeviceError: if the device cannot run the bundle, or its graph is no ONNX.
        BundleError: if the bundle does not hold.
    """
    name = pick(bundle, device).device
    runtime = registry.runtime(name)
    settings = plan(bundle, context)
    decodes = isinstance(bundle.manifest.model, ModelFacts)
    most = settings.context - decodes
    tokens = min(PROMPT_TOKENS, most) if prompt_tokens is None else prompt_tokens
    if not 1 <= tokens <= most:
        raise OptionError(
            say(f"{tokens} tokens cannot be placed.", f"{tokens}토큰은 배치할 수 없습니다."),
            say(f"There is room for 1 to {most}.", f"1토큰에서 {most}토큰까지 들어갑니다."),
            f"--prompt-tokens {most}",
        )
    variant = bundle.variant(runtime.target or "cpu")
    prefill = _placed(bundle, runtime, settings, Pass(tokens, 0, settings.context))
    after = Pass(1, tokens, settings.context)
    decode = _placed(bundle, runtime, settings, after) if decodes else None
    staged = decodes and variant is not None and variant.prefill and not settings.integer_prefill
    return PlacementReport(
        bundle.name,
        name,
        variant.graph if variant else "",
        prefill,
        decode,
        (_staged(),) if staged and runtime.target == "cpu" and name in ("cpu", "capi") else (),
    )


def _placed(bundle: Bundle, runtime: Runtime, settings: Plan, run: Pass) -> PassPlacement:
    nodes: Sequence[NodeCost] = import_module(COSTS).nodes(bundle, runtime.target, run)
    if isinstance(runtime, Places):
        where = runtime.assign(bundle, settings, nodes, run.tokens)
    else:
        whole = Assigned(
            runtime.name,
            say("The device runs whole graphs.", "그래프를 통째로 실행하는 장치입니다."),
        )
        where = [whole] * len(nodes)
    rows = tuple(
        Row(node.name, node.operator, at.device, at.reason, node.flops, node.bytes)
        if not node.folded
        else Row(node.name, node.operator, "", folded_reason(), 0, 0)
        for node, at in zip(nodes, where, strict=True)
    )
    return PassPlacement(run.tokens, run.before, rows, _shares(rows))


def _shares(rows: Sequence[Row]) -> tuple[Share, ...]:
    """Every device that runs something, most operations first."""
    flops, size = sum(row.flops for row in rows), sum(row.bytes for row in rows)
    made = []
    for device in dict.fromkeys(row.device for row in rows if row.device):
        own = [row for row in rows if row.device == device]
        ours, moved = sum(row.flops for row in own), sum(row.bytes for row in own)
        made.append(
            Share(device, len(own), ours, moved, ours / max(flops, 1), moved / max(size, 1))
        )
    return tuple(sorted(made, key=lambda share: -share.flops))


def folded_reason() -> str:
    """Why nothing of a node is left to run."""
    return say(
        "It depends on constants alone: computed when the graph is loaded.",
        "상수에만 달려 있어 그래프를 불러올 때 계산됩니다.",
    )


def _staged() -> str:
    return say(
        "This processor runs prompts of 48 tokens and more through the prefill stages: the same "
        "products in float32, after expanding each matrix.",
        "이 프로세서에서 48토큰 이상의 질문은 프리필 단계로 실행합니다. 행렬을 하나씩 펼쳐 "
        "같은 곱을 float32로 계산합니다.",
    )
