"""ONNX Runtime through its Python package."""

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ondol.bundle import Bundle
from ondol.errors import BundleError, CorruptBundle, DeviceUnavailable
from ondol.language import say
from ondol.placement import Placed
from ondol.stateless import Port
from ondol_runtimes._inference import (
    FATAL,
    SAME_AS_REQUESTED,
    WEIGHTS_FOLDER,
    Binding,
    Graph,
    Inference,
    Settings,
    port,
)
from ondol_runtimes._onnxruntime import ort
from ondol_runtimes._packed import in_one_file

if TYPE_CHECKING:
    from ondol_runtimes._inference import Array

CPU = ("CPUExecutionProvider",)

DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(bool)": "bool",
}
"""ONNX Runtime's names of types and numpy's."""


def session_options(settings: Settings) -> "ort.SessionOptions":
    """Options of one session."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL  # errors come as exceptions; nothing is printed
    options.enable_mem_pattern = False  # prompts differ in length; a pattern is a second arena
    for key, value in settings.entries.items():
        options.add_session_config_entry(key, value)
    return options


def load(
    bundle: Bundle, name: str, options: "ort.SessionOptions", providers: Sequence[str]
) -> "ort.InferenceSession":
    """An inference session from one of a bundle's graphs; weights are mapped where they lie."""
    graph: str | bytes
    if bundle.packed is None:
        graph = str(bundle.file(name))
    else:
        graph = in_one_file(bundle, name)
        folder = str(bundle.path.resolve().parent)
        options.add_session_config_entry(WEIGHTS_FOLDER, folder)
    # without its fallback, which prints and tries the same again
    return ort.InferenceSession(graph, options, providers=list(providers), enable_fallback=0)


def assignment(bundle: Bundle, target: str) -> dict[str, str]:
    """Which execution provider takes each node of a bundle's graph, by the node's name.

    Raises:
        DeviceUnavailable: if this ONNX Runtime does not record it (before 1.24).
        CorruptBundle: if it cannot read the graph.
    """
    variant = bundle.variant(target)
    options = session_options(Settings(1, spin=False))
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    try:
        session = load(bundle, variant.graph if variant else "", options, CPU)
        recorded = session.get_provider_graph_assignment_info()
    except AttributeError as exc:
        raise DeviceUnavailable(
            say(
                f"ONNX Runtime {ort.__version__} does not record placements.",
                f"ONNX Runtime {ort.__version__}은 노드 배치를 기록하지 않습니다.",
            ),
            str(exc),
            'pip install --upgrade "onnxruntime>=1.24.2"',
        ) from exc
    except BundleError:
        raise
    except Exception as exc:  # its errors share no base class
        raise CorruptBundle(
            say("The graph cannot be loaded.", "그래프를 불러올 수 없습니다."),
            str(exc)[:400],
            say("Verify the bundle: ondol verify", "번들 검사: ondol verify"),
        ) from exc
    return {node.name: part.ep_name for part in recorded for node in part.get_nodes()}


def placed(session: "ort.InferenceSession") -> tuple[Placed, ...]:
    """What an open session says of its nodes: it was told to record where they go."""
    return tuple(
        Placed(
            node.name,
            f"{node.domain}::{node.op_type}" if node.domain else node.op_type,
            part.ep_name,
        )
        for part in session.get_provider_graph_assignment_info()
        for node in part.get_nodes()
    )


class Package(Inference):
    """The installed `onnxruntime`, or one of its kind, on some of its execution providers."""

    version = ort.__version__

    def __init__(self, providers: Sequence[str] = CPU) -> None:
        self._providers = providers

    def upgrade(self, version: str) -> str:
        """As of the base."""
        return f'pip install --upgrade "onnxruntime>={version}"'

    def open(self, bundle: Bundle, name: str, settings: Settings) -> Graph:
        """As of the base."""
        if settings.shared_arena:
            register_arena()
        return PackageGraph(load(bundle, name, session_options(settings), self._providers))


class PackageGraph(Graph):
    """An `InferenceSession`."""

    def __init__(self, session: "ort.InferenceSession") -> None:
        self._session = session
        self.inputs = tuple(map(_port, session.get_inputs()))
        self.outputs = tuple(map(_port, session.get_outputs()))
        self._names = [each.name for each in self.outputs]

    def binding(self) -> Binding:
        """As of the base."""
        return PackageBinding(self._session)

    def run(self, feeds: "Mapping[str, Array]") -> "list[Array]":
        """As of the base."""
        made: Sequence[Any] = self._session.run(self._names, dict(feeds))
        return list(made)


class PackageBinding(Binding):
    """Its `IOBinding`."""

    def __init__(self, session: "ort.InferenceSession") -> None:
        self._session = session
        self._binding = session.io_binding()

    def input(self, name: str, value: "Array", shape: Sequence[int]) -> None:
        """As of the base."""
        self._binding.bind_input(name, "cpu", 0, value.dtype, shape, value.ctypes.data)

    def output(self, name: str, value: "Array") -> None:
        """As of the base."""
        self._binding.bind_output(name, "cpu", 0, value.dtype, value.shape, value.ctypes.data)

    def run(self) -> None:
        """As of the base."""
        self._session.run_with_iobinding(self._binding)


def _port(value: "ort.NodeArg") -> Port:
    return port(value.name, DTYPES.get(value.type), value.type, value.shape)


@functools.cache
def register_arena() -> None:
    """Make the arena that sessions with `shared_arena` take their scratch memory from."""
    where = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    grows = {"arena_extend_strategy": SAME_AS_REQUESTED}
    ort.create_and_register_allocator(where, ort.OrtArenaCfg(grows))
