"""What nodes cost, beside what is known of the model: shapes are never computed twice alike."""

from pathlib import Path

import numpy as np
import pytest

from graph_bundle import VOCABULARY, WIDTH, encoder_bundle, graph
from ondol.errors import CorruptBundle, DeviceUnavailable
from ondol.placement_report import NodeCost, Pass
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options
from ondol_runtimes._program import Program
from ondol_runtimes.aim.workload import work_of
from ondol_runtimes.costs import nodes
from tiny_models import CONTEXT, MODELS, NAMES, Tiny

PRODUCTS = ("com.microsoft::MatMulNBits", "com.microsoft::FusedMatMul")


@pytest.mark.parametrize("before", [0, 5, 100])
@pytest.mark.parametrize("name", NAMES)
def test_decoding_costs_what_the_simulation_counts(name: str, before: int, tiny: Tiny) -> None:
    """`aim.workload` reads the same graph by itself, and counts multiplications."""
    bundle = tiny(name)
    work, model = work_of(bundle), bundle.decoder
    found = nodes(bundle, "cpu", Pass(1, before, CONTEXT))
    products = sum(node.flops for node in found if node.operator in PRODUCTS)
    assert products == 2 * sum(each.rows * each.columns for each in work.matrices)
    attention = sum(node.flops for node in found if node.operator.endswith("Attention"))
    assert attention == 2 * work.attention_macs(model.head_dim, before + 1)


@pytest.mark.parametrize("name", ["gemma3", "llama3", "gpt2", "gptj"])
def test_a_prompt_costs_as_much_as_its_tokens_one_by_one(name: str, tiny: Tiny) -> None:
    bundle = tiny(name)

    def spent(run: Pass, kind: str) -> int:
        return sum(n.flops for n in nodes(bundle, "cpu", run) if n.operator.endswith(kind))

    together = spent(Pass(9, 0, CONTEXT), "Attention")
    assert together == sum(spent(Pass(1, at, CONTEXT), "Attention") for at in range(9))
    head = [n for n in nodes(bundle, "cpu", Pass(9, 0, CONTEXT)) if n.name.startswith("head.")]
    one = [n for n in nodes(bundle, "cpu", Pass(1, 8, CONTEXT)) if n.name.startswith("head.")]
    assert [n.flops for n in head] == [n.flops for n in one], "logits of the last position only"


@pytest.mark.parametrize("name", NAMES)
def test_decoding_reads_every_weight_once(name: str, tiny: Tiny) -> None:
    """Stored bytes, and what scales become when they are widened: at most twice their own."""
    bundle = tiny(name)
    stored = sum(each.stored_bytes for each in work_of(bundle).matrices)
    found = nodes(bundle, "cpu", Pass(1, 0, CONTEXT))
    read = sum(node.bytes for node in found if node.operator in PRODUCTS)
    assert stored < read < 1.6 * stored
    lookups = [n for n in found if n.operator.endswith(("::GatherBlockQuantized", "Gather"))]
    assert lookups and all(node.bytes < stored / 20 for node in lookups), "one row of the table"


def test_a_cache_is_read_as_far_as_it_is_seen(tiny: Tiny) -> None:
    bundle = tiny("llama3")
    row = 2 * bundle.decoder.layers * bundle.decoder.kv_heads * bundle.decoder.head_dim * 4

    def moved(before: int) -> int:
        found = nodes(bundle, "cpu", Pass(1, before, CONTEXT))
        return sum(node.bytes for node in found if node.operator.endswith("GroupQueryAttention"))

    assert moved(60) - moved(10) == 50 * row


def test_an_encoder(tmp_path: Path) -> None:
    bundle = encoder_bundle(tmp_path / "encoder")
    gather, mean = nodes(bundle, "cpu", Pass(7, 0, 16))
    assert (gather.operator, gather.flops, gather.weights) == ("Gather", 0, True)
    # seven rows of the table, seven ids of int64, and seven rows made
    assert gather.bytes == 7 * WIDTH * 4 + 7 * 8 + 7 * WIDTH * 4
    assert mean.flops == WIDTH and not mean.folded
    program = Program(graph(), bundle.place)
    ran = program.run({"input_ids": np.zeros((1, 7), np.int64)})
    assert ran["embedding"].shape == (1, WIDTH) and VOCABULARY > 7


def test_what_cannot_be_followed(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(DeviceUnavailable, match=r"one\.circle"):
        nodes(tiny("gemma3", target="one"), "one", Pass(1, 0, CONTEXT))
    with pytest.raises(CorruptBundle, match="no graph for npu"):
        nodes(tiny("gemma3"), "npu", Pass(1, 0, CONTEXT))
    with pytest.raises(CorruptBundle, match="cannot be followed"):
        nodes(encoder_bundle(tmp_path / "broken", b"\x08\x01nothing"), "cpu", Pass(1, 0, 16))


@pytest.mark.parametrize("name", ["gemma3", "qwen3", "gpt2"])
def test_a_static_graph_multiplies_as_much(name: str, tmp_path: Path) -> None:
    options = Options(target="npu", context=64)
    bundle = convert(MODELS / name, tmp_path / "bundle", options=options).bundle

    def products(target: str) -> list[NodeCost]:
        kinds = (*PRODUCTS, "Gemm")
        found = nodes(bundle, target, Pass(1, 3, 64))
        return [node for node in found if node.operator in kinds]

    assert sum(n.flops for n in products("npu")) == sum(n.flops for n in products("cpu"))
    stored = sum(each.stored_bytes for each in work_of(bundle).matrices)
    assert 0.8 * stored < sum(node.bytes for node in products("npu")) < 2 * stored
