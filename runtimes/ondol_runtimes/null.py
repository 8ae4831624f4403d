"""No device at all: nothing is computed, and what it would cost is said. Run on silicon: no.

The likeliest token after `n` tokens is `n` modulo the vocabulary, or the next one that does not
end a reply: valid ids, the same every time, until a limit is reached. Everything around a model
can be tried on it, and timed without a model's time.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ondol.bundle import Bundle
from ondol.device import Device, Report, State
from ondol.language import say
from ondol.placement_report import Assigned, NodeCost
from ondol.plan import Plan
from ondol.runtime import DecoderSession, Runtime

if TYPE_CHECKING:
    from ondol.runtime import Logits
    from ondol.snapshot import Memory


def predicted_bytes_per_token(bundle: Bundle, length: int = 0) -> int:
    """Bytes that decoding one token reads from memory after `length` tokens.

    Every weight once, and the keys and values so far. It is an upper bound: of the rope tables,
    and of an embedding that is no output matrix too, a token reads one row only.
    """
    model, variant = bundle.decoder, bundle.variant("cpu")
    weights = variant.needs.weight_bytes if variant else 0
    row = 2 * model.layers * model.kv_heads * model.head_dim * model.cache_item_bytes
    return weights + length * row


class NullRuntime(Runtime):
    """Always there, infinitely fast, always wrong."""

    name = "null"
    target = ""
    about = (
        "no compute, predicted cost: tests without weights",
        "계산하지 않고 비용만 예측. 가중치 없는 시험용",
    )

    def _probe(self) -> Report:
        device = Device(
            self.name,
            say("computes nothing", "아무것도 계산하지 않음"),
            precisions=("float32", "float16", "bfloat16", "int8", "int4"),
        )
        reason = say("It needs nothing.", "필요한 것이 없습니다.")
        return Report(self.name, State.AVAILABLE, reason, silicon=self.silicon, device=device)

    def assign(
        self, bundle: Bundle, plan: Plan, nodes: Sequence[NodeCost], tokens: int
    ) -> Sequence[Assigned]:
        """Nowhere, really."""
        reason = say(
            "Nothing is computed: this is what it would cost.",
            "계산하지 않습니다. 계산한다면 드는 비용입니다.",
        )
        return [Assigned(self.name, reason)] * len(nodes)

    def _open(self, bundle: Bundle, plan: Plan) -> DecoderSession:
        return NullDecoder(bundle, plan)


class NullDecoder(DecoderSession):
    """Counts positions and makes logits of the count."""

    def __init__(self, bundle: Bundle, plan: Plan) -> None:
        model = bundle.decoder
        super().__init__(context=plan.context, vocabulary=model.vocabulary)
        self._bundle = bundle
        self._ends = frozenset(model.eos)

    @property
    def predicted_bytes_per_token(self) -> int:
        """Bytes that a real device would read for the next token."""
        return predicted_bytes_per_token(self._bundle, self._length)

    def _append(self, ids: Sequence[int]) -> "Logits":
        import numpy as np

        logits = np.zeros(self.vocabulary, np.float32)
        logits[self._likeliest(self._length + len(ids))] = 1.0
        return logits

    def _cached(self, length: int) -> "Memory":
        return {}

    def _likeliest(self, count: int) -> int:
        wanted = (count + i for i in range(len(self._ends) + 1))
        tokens = [at % self.vocabulary for at in wanted]
        return next((token for token in tokens if token not in self._ends), tokens[0])
