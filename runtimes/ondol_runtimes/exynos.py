"""Samsung Exynos through LiteRT's compiler ahead of time, for E9965. Run on silicon: no.

Calls as of ai-edge-litert 2.3.0 (Apache-2.0). Its wheel has Samsung's compiler plugin, and what
that plugin needs, Exynos AI LiteCore, is Samsung's to give: no Exynos program was ever made here.
"""

from ondol.device import State
from ondol_runtimes._vendor import VendorRuntime

LOAD = """
import ctypes, importlib.util, json, pathlib, sys
home = importlib.util.find_spec("ai_edge_litert").submodule_search_locations[0]
plugin = str(pathlib.Path(home, "vendors/samsung/compiler/libLiteRtCompilerPlugin_Samsung.so"))
try:
    ctypes.CDLL(plugin)
except OSError as exc:
    said = {"error": "Samsung's compiler plugin: " + str(exc).replace(plugin, "").strip(": ")}
    print(json.dumps(said))
    sys.exit()
"""
"""Asked first, for it takes a hundredth of the time: LiteRT cannot compile without the plugin."""
COMPILE = """
import contextlib, json, pathlib, re, sys, tempfile
import flatbuffers
from ai_edge_litert import schema_py_generated as tfl
from ai_edge_litert.aot import aot_compile
from ai_edge_litert.aot.vendors.samsung import target

def tensor(name):
    made = tfl.TensorT()
    made.name, made.shape, made.type, made.buffer = name, [1, 16], tfl.TensorType.FLOAT32, 0
    return made

code = tfl.OperatorCodeT()
code.builtinCode = code.deprecatedBuiltinCode = tfl.BuiltinOperator.ADD
code.version = 1
add = tfl.OperatorT()
add.opcodeIndex, add.inputs, add.outputs = 0, [0, 1], [2]
add.builtinOptionsType, add.builtinOptions = tfl.BuiltinOptions.AddOptions, tfl.AddOptionsT()
graph = tfl.SubGraphT()
graph.tensors = [tensor("a"), tensor("b"), tensor("sum")]
graph.inputs, graph.outputs, graph.operators = [0, 1], [2], [add]
model = tfl.ModelT()
model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
model.buffers = [tfl.BufferT()]
builder = flatbuffers.Builder()
builder.Finish(model.Pack(builder), b"TFL3")
with tempfile.TemporaryDirectory() as folder:
    tempfile.tempdir = folder  # LiteRT leaves its log behind
    path = pathlib.Path(folder, "add.tflite")
    path.write_bytes(builder.Output())
    soc = target.Target(target.SocModel.E9965)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            aot_compile.aot_compile(str(path), output_dir=folder, target=soc, keep_going=False)
        said = {"found": "a compiler for E9965"}
    except (OSError, RuntimeError, ValueError) as exc:
        logs = [log.read_text("utf-8", "replace") for log in pathlib.Path(folder).glob("*.error")]
        cause = r"(?:undefined symbol|cannot open shared object|Failed to load):? *\\S+"
        causes = re.findall(cause, " ".join(logs))
        words = str(exc).partition(" See ")[0]
        said = {"error": " ".join([f"{type(exc).__name__}: {words}", *causes[-1:]])[:300]}
print("\\n" + json.dumps(said))
"""
"""LiteRT compiles a model of one addition for E9965."""


class ExynosRuntime(VendorRuntime):
    """Samsung's compiler plugin is loaded, then LiteRT compiles an addition for E9965."""

    name = "exynos"
    package = "ai_edge_litert"
    absent = State.MISSING_SOFTWARE
    about = (
        "Samsung Exynos (E9965) through LiteRT's compiler: tried, up to the vendor's toolchain",
        "LiteRT 컴파일러로 시도하는 삼성 엑시노스(E9965). 제조사 도구가 필요한 데까지만",
    )
    obtain = (
        "The vendor's toolchain is missing: Exynos AI LiteCore, from Samsung.",
        "제조사 도구(삼성 Exynos AI LiteCore)가 없습니다.",
    )
    unmade = (
        "No bundle is made for it: Ondol was never run with the vendor's toolchain.",
        "이 장치용 번들은 만들지 않습니다. 제조사 도구로 실행해 본 적이 없습니다.",
    )
    code = LOAD + COMPILE
