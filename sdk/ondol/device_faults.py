"""Why a device does not run a bundle: the reason and what would help, in the user's language."""

from typing import TYPE_CHECKING

from ondol.language import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ondol.bundle import Bundle
    from ondol.device import Device


def no_graph(bundle: str, target: str) -> tuple[str, str]:
    """The bundle was converted for other targets."""
    return (
        say(
            f"{bundle} has no graph for it (target {target}).",
            f"{bundle}에 이 장치용 그래프가 없습니다(대상 {target}).",
        ),
        say(
            f"Convert the model with --target {target}.",
            f"--target {target}로 모델을 변환하세요.",
        ),
    )


def decoders_only() -> tuple[str, str]:
    """The device has no way to run a graph without a cache."""
    return (
        say("It runs text generators only.", "글을 쓰는 모델만 실행하는 장치입니다."),
        say("Choose another device: ondol devices", "다른 장치를 고르세요: ondol devices"),
    )


def lacking(bundle: "Bundle", target: str, device: "Device | None") -> tuple[str, str]:
    """The device lacks operators of a bundle's variant; empty if it has all, or lists none.

    Precisions are what a device computes in, not what it can read: they exclude nothing.
    """
    variant = bundle.variant(target)
    if variant is None or device is None or not device.operators:
        return "", ""
    missing = [name for name in variant.needs.operators if name not in device.operators]
    return lacks(missing, bundle.name, target) if missing else ("", "")


def lacks(operators: "Sequence[str]", bundle: str, target: str) -> tuple[str, str]:
    """The device has no such operators."""
    names = ", ".join(operators)
    return (
        say(f"The device lacks: {names}.", f"장치에 없는 것: {names}."),
        f"ondol lint {bundle} --target {target}",
    )
