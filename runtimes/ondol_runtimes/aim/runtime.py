"""Processing in memory, SK hynix GDDR6-AiM class. Simulated; run on silicon: no.

Products of a matrix with one vector, what decoding is made of, are computed as the banks would:
weights and vector in BF16, sums as in `bfloat16`. Everything else is the CPU's: attention,
norms, activations, biases, the embedding lookup, and products with many vectors (prefill), which
take the same BF16 weights and float32 activations. Nothing is timed here: see `ondol simulate`.

The banks hold BF16 whatever the bundle stores, so int8 weights take twice and int4 weights four
times their bytes there. In this process they stay in their mapped file and are expanded when used.
"""

import importlib.util
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ondol.bundle import Bundle
from ondol.device import Device, Report, Silicon, State
from ondol.language import say
from ondol.placement_report import Assigned, NodeCost
from ondol.plan import Plan, usable_cores
from ondol.runtime import DecoderSession, Runtime
from ondol_runtimes.aim.geometry import GEOMETRY, MOST_CHANNELS
from ondol_runtimes.aim.mapping import check_channels

if TYPE_CHECKING:
    from ondol_runtimes._operators import Array


class AimRuntime(Runtime):
    """Decode-time products in simulated memory banks.

    Args:
        channels: of 512 MiB each.

    Raises:
        OptionError: if the channels are not 1 to 32.
    """

    name = "aim"
    silicon = Silicon.SIMULATOR
    about = (
        "SK hynix GDDR6-AiM class memory, simulated: decode's products in BF16 banks",
        "SK하이닉스 GDDR6-AiM급 메모리의 모의. 디코드의 행렬 곱을 BF16 뱅크에서 계산",
    )

    def __init__(self, channels: int = MOST_CHANNELS) -> None:
        check_channels(channels)
        self._channels = channels

    def _probe(self) -> Report:
        if importlib.util.find_spec("onnx") is None:
            return Report(
                self.name,
                State.MISSING_SOFTWARE,
                say(
                    "The simulated device needs the package onnx.",
                    "모의 장치에 onnx 패키지가 필요합니다.",
                ),
                'pip install "ondol[converters]"',
                silicon=self.silicon,
            )
        device = Device(
            self.name,
            say(
                f"GDDR6-AiM class memory, {self._channels} channels, simulated",
                f"GDDR6-AiM급 메모리, 채널 {self._channels}개, 모의",
            ),
            cores=usable_cores(),
            memory_bytes=self._channels * GEOMETRY.channel_bytes,
            precisions=("bfloat16",),
            software="numpy",
        )
        reason = say(
            "Processing in memory, simulated in numpy: right, and slow.",
            "메모리 내 연산을 numpy로 모의합니다. 정확하지만 느립니다.",
        )
        return Report(self.name, State.AVAILABLE, reason, silicon=self.silicon, device=device)

    def assign(
        self, bundle: Bundle, plan: Plan, nodes: Sequence[NodeCost], tokens: int
    ) -> Sequence[Assigned]:
        """Products of one vector with weights in the banks, everything else on the processor."""
        from ondol_runtimes.aim.workload import placed, work_of

        placed(work_of(bundle).matrices, self._channels, bundle.name)
        return [_assigned(node, tokens) for node in nodes]

    def _open(self, bundle: Bundle, plan: Plan) -> DecoderSession:
        from ondol_runtimes._operators import products
        from ondol_runtimes._program import KNOWN
        from ondol_runtimes.aim.workload import placed, work_of
        from ondol_runtimes.reference import ReferenceDecoder

        bundle.verify()
        placed(work_of(bundle).matrices, self._channels, bundle.name)
        return ReferenceDecoder(bundle, plan, "float32", {**KNOWN, **products(in_banks)})


def _assigned(node: NodeCost, tokens: int) -> Assigned:
    product = node.weights and node.operator in (
        "com.microsoft::MatMulNBits",
        "com.microsoft::FusedMatMul",
    )
    if product and tokens == 1:
        return Assigned(
            "aim",
            say(
                "One vector: in the banks, in BF16 (simulated).",
                "벡터 하나: 뱅크에서 BF16으로(모의).",
            ),
        )
    if product:
        many = say("Many vectors: the banks take one.", "벡터가 여럿이라 뱅크에서 하지 않습니다.")
        return Assigned("cpu", many)
    return Assigned("cpu", say("No product with weights.", "가중치와의 곱이 아닙니다."))


def in_banks(x: "Array", rows: int, expanded: "Callable[[slice], Array]") -> "Array":
    """x times a matrix transposed: in the banks for one vector, else on the CPU.

    Args:
        x: float32 [..., columns].
        rows: of the matrix.
        expanded: some of its rows as floats [n, columns].

    Returns:
        float32 [..., rows]; BF16 values for one vector.
    """
    import numpy as np

    from ondol_runtimes._operators import parts
    from ondol_runtimes.aim.bfloat16 import product, rounded

    out = np.empty((*x.shape[:-1], rows), x.dtype)
    vector = rounded(x.reshape(-1)) if x.size == x.shape[-1] else None
    for part in parts(rows, x.shape[-1]):
        weights = rounded(expanded(part))
        out[..., part] = x @ weights.T if vector is None else product(weights, vector)
    return out
