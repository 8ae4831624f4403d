"""The oracle: graphs in plain numpy, exact and slow. Run on silicon: no (any processor).

Weights stay in their mapped file and are expanded when used; activations are never quantised.
With "float64", the default, every float is held and summed in 64 bits, so that what differs
from another device is that device's rounding; "float32" halves memory and time.
"""

import importlib.util
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ondol.bundle import Bundle
from ondol.device import Device, Report, State
from ondol.errors import CorruptBundle
from ondol.language import say
from ondol.manifest import Variant
from ondol.plan import Plan, usable_cores
from ondol.runtime import DecoderSession, Runtime
from ondol.stateless import Session

if TYPE_CHECKING:
    import numpy as np

    from ondol.runtime import Logits
    from ondol.snapshot import Memory
    from ondol.stateless import Arrays
    from ondol_runtimes._operators import Operator

Arithmetic = Literal["float64", "float32"]


class ReferenceRuntime(Runtime):
    """Numpy, operator by operator: what the other devices are measured against."""

    name = "reference"
    about = (
        "the graph node by node in numpy: the oracle for every other device",
        "그래프를 노드마다 numpy로 계산하는, 다른 모든 장치의 기준",
    )

    def __init__(self, arithmetic: Arithmetic = "float64") -> None:
        self._arithmetic: Arithmetic = arithmetic

    def _probe(self) -> Report:
        if importlib.util.find_spec("onnx") is None:
            return Report(
                self.name,
                State.MISSING_SOFTWARE,
                say("The package onnx is not installed.", "onnx 패키지가 없습니다."),
                'pip install "ondol[converters]"',
                silicon=self.silicon,
            )
        import numpy as np

        from ondol_runtimes._program import KNOWN

        device = Device(
            self.name,
            say("plain numpy, for comparison", "비교용 numpy 구현"),
            cores=usable_cores(),
            precisions=("float32", "float16", "bfloat16", "int8", "int4"),
            operators=tuple(sorted(KNOWN)),
            software=f"numpy {np.__version__}",
        )
        reason = say("numpy and onnx are here.", "numpy와 onnx가 있습니다.")
        return Report(self.name, State.AVAILABLE, reason, silicon=self.silicon, device=device)

    def _open(self, bundle: Bundle, plan: Plan) -> DecoderSession:
        bundle.verify()
        return ReferenceDecoder(bundle, plan, self._arithmetic)

    def _open_graph(self, bundle: Bundle, plan: Plan, graph: str | None) -> Session:
        bundle.verify()
        return ReferenceGraph(bundle, graph or _variant(bundle).graph, self._arithmetic)


class ReferenceGraph(Session):
    """A graph without a state."""

    def __init__(self, bundle: Bundle, graph: str, arithmetic: Arithmetic) -> None:
        from ondol_runtimes._program import Program

        self._program = Program(bundle.read(graph), bundle.place, _dtype(arithmetic))
        port = self._program.port
        super().__init__(
            [port(name) for name in self._program.inputs],
            [port(name) for name in self._program.outputs],
        )

    def _run(self, feeds: "Arrays") -> "Arrays":
        made = self._program.run(dict(feeds))
        return {port.name: made[port.name].astype(port.dtype) for port in self.outputs}

    def _close(self) -> None:
        del self._program


class ReferenceDecoder(DecoderSession):
    """The CPU's decoder graph on a cache that attention writes in place."""

    def __init__(
        self,
        bundle: Bundle,
        plan: Plan,
        arithmetic: Arithmetic,
        operators: "Mapping[str, Operator] | None" = None,
    ) -> None:
        import numpy as np

        from ondol_runtimes._program import KNOWN, Program

        model, variant = bundle.decoder, _variant(bundle)
        super().__init__(context=plan.context, vocabulary=model.vocabulary)
        dtype = _dtype(arithmetic)
        self._program = Program(
            bundle.read(variant.graph),
            bundle.place,
            dtype,
            KNOWN if operators is None else operators,
        )
        shape = (1, model.kv_heads, plan.context, model.head_dim)
        self._cache = {
            f"past_key_values.{i}.{part}": np.zeros(
                shape, dtype if model.cache == "float32" else model.cache
            )
            for i in range(model.layers)
            for part in ("key", "value")
        }

    def _append(self, ids: Sequence[int]) -> "Logits":
        last: Logits = self._run(ids, -1)[-1]
        return last

    def _append_all(self, ids: Sequence[int]) -> "Logits":
        return self._run(ids, 0)

    def _run(self, ids: Sequence[int], logits_from: int) -> "Logits":
        import numpy as np

        total = self._length + len(ids)
        feeds = {
            **self._cache,
            "input_ids": np.array([ids], np.int64),
            "attention_mask": np.ones((1, total), np.int64),
            "logits_from": np.array([logits_from], np.int64),
        }
        logits = self._program.run(feeds, ["logits"])["logits"]
        wanted = (1, 1 if logits_from else len(ids), self.vocabulary)
        if logits.shape != wanted:
            raise CorruptBundle(
                say("The graph gives other logits.", "그래프가 다른 모양의 결과를 냅니다."),
                say(f"{wanted} expected, found: {logits.shape}.", f"{logits.shape} ≠ {wanted}"),
                say("Convert the model again.", "모델을 다시 변환하세요."),
            )
        return np.asarray(logits[0], np.float32)

    def _cached(self, length: int) -> "Memory":
        return self._cache

    def _close(self) -> None:
        self._cache = {}
        del self._program


def _dtype(arithmetic: Arithmetic) -> "type[np.floating[Any]]":
    import numpy as np

    return np.float64 if arithmetic == "float64" else np.float32


def _variant(bundle: Bundle) -> Variant:
    found = bundle.variant("cpu")
    if found is None:
        raise CorruptBundle(
            say(
                f"{bundle.name} has no graph for the CPU.",
                f"{bundle.name}에 CPU용 그래프가 없습니다.",
            ),
            say("The reference device runs that one.", "reference 장치는 그것을 실행합니다."),
            say("Convert the model with --target cpu.", "--target cpu로 모델을 변환하세요."),
        )
    return found
