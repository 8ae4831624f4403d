"""Where a decoded token's time goes, by operator, from ONNX Runtime's own profile of a bundle.

Profiling costs time of its own, so shares count here and not sums: the unprofiled time of a token
is printed beside them, and so is what reading the weights alone would take.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from machine import describe
from ondol.bench import bytes_per_token, read_bandwidth
from ondol.bundle import Bundle
from ondol.plan import Plan, plan
from ondol_runtimes._inference import Settings
from ondol_runtimes._package import load, session_options

PROMPT, TOKENS = 256, 64


def main() -> None:
    """Arguments: bundle folders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundles", nargs="+", type=Path)
    print(describe())
    for path in parser.parse_args().bundles:
        bundle = Bundle.open(path)
        settings = plan(bundle, PROMPT + TOKENS)
        plain = decode(bundle, settings, None)[0]
        with tempfile.TemporaryDirectory() as folder:
            slowed, events = decode(bundle, settings, Path(folder) / "trace")
        show(bundle, plain, slowed, events, settings.threads)


def decode(
    bundle: Bundle, settings: Plan, trace: Path | None
) -> tuple[float, list[dict[str, Any]]]:
    """Seconds of a token, and the profile's events of the decoded tokens."""
    options = session_options(Settings(settings.threads, settings.spin))
    if trace is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(trace)
    variant = bundle.variant("cpu")
    if variant is None:
        raise SystemExit(f"{bundle.name} has no graph for the CPU")
    session = load(bundle, variant.graph, options, ["CPUExecutionProvider"])
    model = bundle.decoder
    shape = (1, model.kv_heads, settings.context, model.head_dim)
    binding = session.io_binding()
    cache = {
        f"{i}.{part}": np.zeros(shape, np.float32)
        for i in range(model.layers)
        for part in ("key", "value")
    }
    logits = np.empty((1, 1, model.vocabulary), np.float32)
    last = np.full(1, -1, np.int64)

    def bind(name: str, value: "np.ndarray[Any, Any]", way: str = "input") -> None:
        method = binding.bind_input if way == "input" else binding.bind_output
        method(name, "cpu", 0, value.dtype, value.shape, value.ctypes.data)

    for name, value in cache.items():
        bind(f"past_key_values.{name}", value)
        bind(f"present.{name}", value, "output")
    bind("logits_from", last)
    bind("logits", logits, "output")

    def run(ids: "np.ndarray[Any, Any]", total: int) -> None:
        mask = np.ones((1, total), np.int64)
        bind("input_ids", ids)
        bind("attention_mask", mask)
        session.run_with_iobinding(binding)

    run(np.full((1, PROMPT), 5, np.int64), PROMPT)
    start = time.perf_counter()
    for count in range(TOKENS):
        run(np.full((1, 1), logits.argmax(), np.int64), PROMPT + count + 1)
    seconds = (time.perf_counter() - start) / TOKENS
    if trace is None:
        return seconds, []
    whole: list[dict[str, Any]] = json.loads(Path(session.end_profiling()).read_text())
    began = [event["ts"] for event in whole if event["name"] == "model_run"][-TOKENS]
    return seconds, [event for event in whole if event["ts"] >= began]


def show(
    bundle: Bundle, plain: float, slowed: float, events: list[dict[str, Any]], threads: int
) -> None:
    """Operators by their time, matrix products by their matrix."""
    times: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            kind = event["args"]["op_name"]
            if kind == "MatMulNBits":
                kind += f" {matrix_of(event['name'])}"
            times[kind] += event["dur"]
            counts[kind] += 1
    read = bytes_per_token(bundle)
    floor = read / read_bandwidth(threads)
    total = sum(times.values())
    print(
        f"\n{bundle.name}: {plain * 1e3:.2f} ms a token ({slowed * 1e3:.2f} profiled, of which "
        f"{total / TOKENS / 1e3:.2f} in kernels); reading its {read / 1e6:.0f} MB of weights takes "
        f"{floor * 1e3:.2f} ms"
    )
    for kind, spent in times.most_common():
        each, number = spent / counts[kind], counts[kind] // TOKENS
        print(f"  {spent / total:6.1%}  {kind:36}{number:4} nodes of {each:8.1f} µs")


def matrix_of(name: str) -> str:
    """ "layers.3.qkv/MatMul_kernel_time" to "qkv"; the head's parts are one."""
    stem = name.partition("/")[0]
    return "head" if stem.startswith("head") else stem.rpartition(".")[2]


if __name__ == "__main__":
    main()
