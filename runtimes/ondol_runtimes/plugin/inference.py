"""ONNX Runtime with the nodes that a plugin takes given to it, and the rest to its CPU provider."""

import functools
from pathlib import Path
from zlib import crc32

from ondol.bundle import Bundle
from ondol.errors import BundleError, DeviceError, DeviceLost, DeviceUnavailable
from ondol.language import say
from ondol.placement import Placed
from ondol_runtimes._inference import Graph, Settings
from ondol_runtimes._onnxruntime import ort
from ondol_runtimes._package import Package, PackageGraph, load, placed, session_options

RECORD = "session.record_ep_graph_assignment_info"
"""onnxruntime_session_options_config_keys.h: without it there is no record of what went where."""


class PluginPackage(Package):
    """The installed `onnxruntime` on the devices of one plugin.

    Args:
        device: what this device is called, for messages.
        library: the plugin's file; it stays loaded until the process ends.

    Raises:
        DeviceUnavailable: if it cannot be registered in this process.
    """

    def __init__(self, device: str, library: str) -> None:
        super().__init__(())
        self._device = device
        try:
            self._devices = _registered(library)
        except Exception as exc:  # its errors share no base class; it was whole when it was tried
            raise self._unavailable(
                say("It cannot be loaded.", "불러올 수 없습니다."), str(exc)[:400]
            ) from exc

    def open(self, bundle: Bundle, name: str, settings: Settings) -> Graph:
        """As of the base.

        Raises:
            DeviceUnavailable: if the plugin fails at it, or takes no node of the graph.
        """
        options = session_options(settings)
        options.add_session_config_entry(RECORD, "1")
        options.add_provider_for_devices(list(self._devices), {})
        try:
            session = load(bundle, name, options, ())
        except (BundleError, MemoryError):
            raise
        except Exception as exc:  # its errors share no base class
            raise self._unavailable(
                say(f"It failed at {name}.", f"{name}에서 실패했습니다."), str(exc)[:400]
            ) from exc
        graph = PackageGraph(session)
        graph.placement = placed(session)
        ours = {each.ep_name for each in self._devices}
        if not any(placed.device in ours for placed in graph.placement):
            raise self._takes_nothing(name, graph.placement)
        return graph

    def failed(self, said: str, fix: str) -> DeviceError:
        """A driver that fails has done what nobody knows with its memory: the session is over."""
        return DeviceLost(
            say(f"The device {self._device} is lost.", f"{self._device} 장치를 잃었습니다."),
            said,
            say(
                "Go on on another device, such as cpu; the conversation is kept.",
                "cpu 같은 다른 장치에서 이어 가세요. 대화는 남아 있습니다.",
            ),
        )

    def _takes_nothing(self, name: str, placement: tuple[Placed, ...]) -> DeviceUnavailable:
        asked = sorted({placed.operator for placed in placement})
        return self._unavailable(
            say(
                f"It takes none of the {len(placement)} nodes of {name}: all would run on the CPU.",
                f"{name}의 노드 {len(placement)}개를 하나도 맡지 않아 모두 CPU에서 돌게 됩니다.",
            ),
            ", ".join(asked),
        )

    def _unavailable(self, why: str, said: str) -> DeviceUnavailable:
        return DeviceUnavailable(
            say(
                f"The device {self._device} cannot be used here.",
                f"{self._device} 장치를 여기서 쓸 수 없습니다.",
            ),
            f"{why} {said}",
            say(
                "Choose another device, or a bundle with other weights: ondol devices",
                "다른 장치나 가중치 형식이 다른 번들을 고르세요: ondol devices",
            ),
        )


@functools.cache
def _registered(library: str) -> "tuple[ort.OrtEpDevice, ...]":
    """The devices of a plugin, registered once a process under a name of its file's own."""
    known = {device.ep_name for device in ort.get_ep_devices()}
    name = f"{Path(library).stem}-{crc32(library.encode()):08x}"
    ort.register_execution_provider_library(name, library)
    return tuple(device for device in ort.get_ep_devices() if device.ep_name not in known)
