"""EPContext graphs: for which chip one was compiled, read before the plugin sees it.

The plugin loads most contexts of other chips without a word, at least in the emulator.
"""

import re
from typing import Any

from ondol.bundle import Bundle
from ondol.errors import CorruptBundle, DeviceUnavailable
from ondol.language import say
from ondol_runtimes.qnn.check import NAME
from ondol_runtimes.qnn.soc import SOCS, Soc

INFO = re.compile(r"v2:\d+:(?P<qairt>[\d.]+):[\d.]+:(?P<arch>\d+):(?P<model>\d+):\d+:\d+")
"""What onnxruntime-qnn 2.7.0 writes into a compiled graph: `v2:6:2.51.0:5.51.0:79:69:0:0`."""


def check_context(bundle: Bundle, name: str, soc: Soc) -> None:
    """Refuse a compiled graph that is not for a chip.

    Raises:
        DeviceUnavailable: naming the chip that it is for.
        CorruptBundle: if it does not say.
    """
    from ondol_runtimes._onnxruntime import ort

    package: Any = ort
    binding = package.capi._pybind_state  # it has no public name yet
    try:
        said = str(binding.get_compatibility_info_from_model_bytes(bundle.read(name), NAME))
    except Exception as exc:  # its errors share no base class
        said = " ".join(str(exc).split())[:200]
    found = INFO.fullmatch(said)
    if found is None:
        raise CorruptBundle(
            say(
                f"{name} does not say for which chip it was compiled.",
                f"{name}이(가) 어느 칩용으로 컴파일되었는지 알 수 없습니다.",
            ),
            said,
            f"ondol compile {bundle.name} --soc {soc.name}",
        )
    model, arch = int(found["model"]), int(found["arch"])
    if (model, arch) == (soc.model, soc.arch):
        return
    other = next((each.name for each in SOCS.values() if each.model == model), f"soc_model {model}")
    raise DeviceUnavailable(
        say(
            f"{name} was compiled for another chip than {soc.name}.",
            f"{name}은(는) {soc.name}이(가) 아닌 칩용으로 컴파일되었습니다.",
        ),
        say(f"It is for {other} (HTP v{arch}).", f"{other}(HTP v{arch})용입니다."),
        f"ondol compile {bundle.name} --soc {soc.name}",
    )
