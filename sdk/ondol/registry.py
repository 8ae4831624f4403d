"""Which devices there are. Naming one imports nothing; opening one imports its vendor."""

import difflib
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points

from ondol import probing
from ondol.device import Report
from ondol.errors import UnknownDevice
from ondol.language import say
from ondol.runtime import Runtime

DEVICES = {
    "cpu": "ondol_runtimes.cpu:CpuRuntime",
    "capi": "ondol_runtimes.capi.device:CapiRuntime",
    "lowmem": "ondol_runtimes.lowmem.device:LowmemRuntime",
    "one": "ondol_runtimes.one.device:OneRuntime",
    "openvino": "ondol_runtimes.openvino.device:OpenVinoRuntime",
    "exynos": "ondol_runtimes.exynos:ExynosRuntime",
    "mobilint": "ondol_runtimes.mobilint:MobilintRuntime",
    "furiosa": "ondol_runtimes.furiosa:FuriosaRuntime",
    "rebellions": "ondol_runtimes.rebellions:RebellionsRuntime",
    "nnapi": "ondol_runtimes.nnapi:NnapiRuntime",
    "xnnpack": "ondol_runtimes.xnnpack:XnnpackRuntime",
    "plugin": "ondol_runtimes.plugin.device:PluginRuntime",
    "qnn": "ondol_runtimes.qnn.device:QnnRuntime",
    "reference": "ondol_runtimes.reference:ReferenceRuntime",
    "aim": "ondol_runtimes.aim.runtime:AimRuntime",
    "null": "ondol_runtimes.null:NullRuntime",
}
"""Our devices, best first. Other people's join through the entry point `ondol.runtimes`."""

DETAILED = frozenset({"plugin", "qnn"})
"""Devices that take a word after a colon: `plugin:PATH`, `qnn:SM8650`."""

GROUP = "ondol.runtimes"


def names() -> tuple[str, ...]:
    """Every device's name: ours in order of preference, then other people's."""
    others = sorted(e.name for e in entry_points(group=GROUP) if e.name not in DEVICES)
    return (*DEVICES, *others)


def runtime(name: str) -> Runtime:
    """The runtime of a device, unprobed; `plugin:PATH` and `qnn:SM8650` are ones too.

    Raises:
        UnknownDevice: naming the nearest one.
    """
    bare, _, detail = name.partition(":")
    detailed = bare in DETAILED and bool(detail)
    place = DEVICES.get(bare if detailed else name)
    if place is None:
        place = next((e.value for e in entry_points(group=GROUP) if e.name == name), None)
    if place is None:
        known = names()
        near = difflib.get_close_matches(name, known, n=1)
        raise UnknownDevice(
            say(f"There is no device {name!r}.", f"{name!r}라는 장치는 없습니다."),
            say(f"Known: {', '.join(known)}.", f"아는 장치: {', '.join(known)}."),
            say(f"Did you mean {near[0]}?", f"{near[0]}을(를) 뜻하셨나요?")
            if near
            else say("List them: ondol devices", "목록 보기: ondol devices"),
        )
    module, _, attribute = place.partition(":")
    make = getattr(import_module(module), attribute)
    found: Runtime = make(detail) if detailed else make()
    return found


def reports(seconds: float | None = None) -> Iterator[Report]:
    """Every device's report, in order of preference. Never raises for a device's fault.

    Args:
        seconds: how long they have together, as they are probed side by side; one that has not
            answered by then is reported as timed out. None: see `ondol.probing.limit`.
    """
    return probing.together(names(), seconds, DEVICES)
