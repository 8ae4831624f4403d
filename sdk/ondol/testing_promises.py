"""What checks of the contract are made of: each raises ContractBroken, naming its check."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ondol.errors import ContractBroken, OndolError
from ondol.language import say

if TYPE_CHECKING:
    from ondol.runtime import Logits

TOLERANCE = 0.15  # of the largest logit: devices round one row and many rows differently


def raised(call: Callable[[], object]) -> BaseException | None:
    """What a call raises; None for nothing."""
    try:
        call()
    except Exception as exc:  # whatever a device raises is what is judged
        return exc
    return None


def refuses(check: str, kind: type[OndolError], call: Callable[[], object]) -> None:
    """Require that a call raises an error of a kind."""
    found = raised(call)
    require(check, isinstance(found, kind), f"{found!r} ≠ {kind.__name__}")


def like(check: str, logits: "Logits", shape: tuple[int, ...]) -> None:
    """Require finite logits, float32 of a shape."""
    import numpy as np

    kept = isinstance(logits, np.ndarray) and logits.dtype == np.float32 and logits.shape == shape
    require(check, kept and bool(np.isfinite(logits).all()), f"{logits!r:.200} ≠ {shape}")


def near(check: str, found: "Logits", wanted: "Logits") -> None:
    """Require the wanted logits within `TOLERANCE`."""
    import numpy as np

    like(check, found, wanted.shape)
    error = float(np.abs(found - wanted).max() / np.abs(wanted).max())
    require(check, error <= TOLERANCE, f"{error:.3f} > {TOLERANCE}")


def same(check: str, found: "Logits", wanted: "Logits") -> None:
    """Require the wanted logits, bit by bit."""
    import numpy as np

    like(check, found, wanted.shape)
    require(check, bool(np.array_equal(found, wanted)), f"{np.abs(found - wanted).max()} ≠ 0")


def require(check: str, kept: bool, found: str) -> None:
    """Require that a promise is kept; `found` says what was found instead."""
    if not kept:
        raise broken(check, found)


def broken(check: str, found: str) -> ContractBroken:
    """The error of a promise that is not kept."""
    return ContractBroken(
        say(f"The device breaks the contract: {check}.", f"장치가 규약을 어깁니다: {check}"),
        found,
        say("Read ondol.runtime on this method.", "ondol.runtime의 설명을 보고 고치세요."),
    )
