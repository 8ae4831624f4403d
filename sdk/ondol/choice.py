"""Which device runs a bundle, and for every better one a reason why it does not."""

from dataclasses import dataclass

from ondol import policy, registry
from ondol.bundle import Bundle
from ondol.device import Silicon
from ondol.device_faults import lacking
from ondol.errors import DeviceUnavailable, PolicyForbids
from ondol.language import say
from ondol.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Rank:
    """A device's place in the order of preference; why it stands there, in English and Korean."""

    device: str
    why: tuple[str, str]


_PHONE = (
    "a phone's neural processor: most products for a watt",
    "휴대전화의 신경망 처리 장치. 전력당 연산이 가장 많음",
)
_CARD = (
    "a neural processor with memory of its own",
    "전용 메모리를 가진 신경망 처리 장치",
)

PREFERENCE = (
    Rank("qnn", _PHONE),
    Rank("exynos", _PHONE),
    Rank("nnapi", _PHONE),
    Rank("mobilint", _CARD),
    Rank("furiosa", _CARD),
    Rank("rebellions", _CARD),
    Rank("cpu", ("the processor; every bundle runs on it", "프로세서. 모든 번들이 실행됨")),
    Rank(
        "capi",
        (
            "the same processor, where the Python package of ONNX Runtime is missing",
            "같은 프로세서. ONNX Runtime 파이썬 패키지가 없는 곳에서",
        ),
    ),
    Rank(
        "openvino",
        ("another engine on the same processor", "같은 프로세서를 쓰는 다른 엔진"),
    ),
    Rank("xnnpack", ("the processor of an Android build", "안드로이드 빌드의 프로세서")),
    Rank(
        "lowmem",
        ("the processor in little memory, slower", "메모리를 적게 쓰는 프로세서. 더 느림"),
    ),
    Rank(
        "one",
        ("onert on the processor, slower than ONNX Runtime", "프로세서의 onert. 더 느림"),
    ),
)
"""What is chosen where no device is named, best first. What is not here has to be named."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A better device that was not chosen: why not, and what would change that."""

    device: str
    reason: str
    fix: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The device that runs a bundle, why it, and the better ones that were passed over."""

    device: str
    reason: str
    passed: tuple[Passed, ...]

    def __str__(self) -> str:
        lines = [f"{self.device}: {self.reason}"]
        lines += [f"{each.device}: {each.reason} {each.fix}".rstrip() for each in self.passed]
        return "\n".join(lines)


def pick(bundle: Bundle, device: str | None = None) -> Choice:
    """The device for a bundle.

    Args:
        bundle: an opened bundle; of its files only the manifest is read.
        device: that one or an error; None: the first of `PREFERENCE` that can run it here. One
            that was never run on silicon is not chosen unless it is named.

    Raises:
        UnknownDevice: if there is no device of that name.
        DeviceUnavailable: if it cannot run the bundle here, or if none can.
        PolicyForbids: if this machine's policy does not allow the bundle, or the named device.
    """
    policy.check(bundle)
    if device is not None:
        passed = _obstacle(bundle, registry.runtime(device), named=True)
        if passed is None:
            return Choice(device, say("It was named.", "지정한 장치입니다."), ())
        raise DeviceUnavailable(
            say(
                f"The device {device} cannot run {bundle.name} here.",
                f"{device} 장치로는 {bundle.name}을(를) 여기서 실행할 수 없습니다.",
            ),
            passed.reason,
            passed.fix,
        )
    obstacles: list[Passed] = []
    for rank in PREFERENCE:
        if rank.device not in registry.DEVICES:
            continue
        obstacle = _tried(bundle, rank.device)
        if obstacle is None:
            return Choice(rank.device, say(*rank.why), tuple(obstacles))
        obstacles.append(obstacle)
    raise DeviceUnavailable(
        say(f"No device here runs {bundle.name}.", f"{bundle.name}을(를) 실행할 장치가 없습니다."),
        " ".join(f"{each.device}: {each.reason}" for each in obstacles),
        say("See what would help: ondol devices", "해결 방법 보기: ondol devices"),
    )


def _tried(bundle: Bundle, device: str) -> Passed | None:
    try:
        runtime = registry.runtime(device)
    except Exception as exc:  # a device whose module cannot be imported is one not chosen
        return Passed(device, f"{type(exc).__name__}: {exc}", "")
    return _obstacle(bundle, runtime, named=False)


def _obstacle(bundle: Bundle, runtime: Runtime, *, named: bool) -> Passed | None:
    """Why a device does not run a bundle, the cheapest reason first; None if it does."""
    name = runtime.name
    try:
        policy.check_device(name)
    except PolicyForbids as exc:
        if named:
            raise
        return Passed(name, f"{exc.what} {exc.why}", exc.fix)
    reason, fix = runtime.refusal(bundle)
    if reason:
        return Passed(name, reason, fix)
    if not named and runtime.silicon is not Silicon.YES:
        return Passed(name, _unproven(runtime.silicon), f"--device {name}")
    report = runtime.probe()
    if not report.available:
        return Passed(name, report.reason, report.fix)
    reason, fix = lacking(bundle, runtime.target, report.device)
    return Passed(name, reason, fix) if reason else None


def _unproven(silicon: Silicon) -> str:
    where = {
        Silicon.EMULATOR: say(" (an emulator only)", "(에뮬레이터에서만)"),
        Silicon.SIMULATOR: say(" (a simulator only)", "(시뮬레이터에서만)"),
    }.get(silicon, "")
    return say(
        f"Ondol never ran it on silicon{where}, so it has to be named.",
        f"온돌이 실제 칩에서 실행해 보지 않아{where} 지정해야만 씁니다.",
    )
