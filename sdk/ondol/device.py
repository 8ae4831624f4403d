"""Frozen facts about devices: what a machine has, what a bundle needs, what a probe found."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Whether a device can be used here, and if not, which kind of thing is missing."""

    AVAILABLE = "available"
    MISSING_SOFTWARE = "missing-software"
    MISSING_HARDWARE = "missing-hardware"
    UNSUPPORTED = "unsupported"
    TIMED_OUT = "timed-out"


class Silicon(StrEnum):
    """On what Ondol's code for a device has really been run."""

    YES = "yes"
    NO = "no"
    EMULATOR = "emulator"
    SIMULATOR = "simulator"


@dataclass(frozen=True, slots=True)
class Device:
    """What a probe found out about a device. Empty tuples mean "not limited to a list"."""

    name: str
    description: str
    cores: int = 0
    memory_bytes: int = 0
    precisions: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    software: str = ""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a bundle asks of a device.

    `operators` are ONNX names, those outside the default domain as `domain::Name`.
    """

    operators: tuple[str, ...]
    precisions: tuple[str, ...]
    weight_bytes: int


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to "can this device be used here?": never an exception."""

    name: str
    state: State
    reason: str
    fix: str = ""
    silicon: Silicon = Silicon.NO
    device: Device | None = None

    @property
    def available(self) -> bool:
        """Whether the device can be opened."""
        return self.state is State.AVAILABLE
