"""Why a device does not run a bundle: the reason and what would help, in the user's language."""

from ondol.language import say


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
