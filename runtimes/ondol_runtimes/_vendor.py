"""Devices of which Ondol has the vendor's package and not the silicon: asked, never opened.

What is asked runs in a process of its own up to opening the device, and the vendor's own error is
what the report says. No bundle can be made for these devices, so none is opened: no claim.
"""

import importlib.util
import json
import os
from functools import cache
from typing import ClassVar, NoReturn

from ondol.bundle import Bundle
from ondol.child_process import Answer, ask, can_ask
from ondol.device import Report, Silicon, State
from ondol.errors import DeviceUnavailable
from ondol.language import say
from ondol.plan import Plan
from ondol.runtime import DecoderSession, Runtime

SECONDS = 20.0


class VendorRuntime(Runtime):
    """A device that is looked for and not used.

    `code` prints one line of JSON: `found`, what was opened, or `error`, the vendor's words for
    why nothing was. `obtain` says how to get the package, and `unmade` why no bundle runs on it.
    """

    silicon = Silicon.NO
    target = ""
    opens = False
    package: ClassVar[str]
    code: ClassVar[str]
    obtain: ClassVar[tuple[str, str]]
    unmade: ClassVar[tuple[str, str]]
    absent: ClassVar[State] = State.MISSING_HARDWARE
    """What is missing where the vendor's package says no."""

    def refusal(self, bundle: Bundle) -> tuple[str, str]:
        """No bundle can be made for it."""
        return say(*self.unmade), _elsewhere()

    def _probe(self) -> Report:
        if not _is_there(self.package):
            reason = say(
                f"The package {self.package} is not installed.",
                f"{self.package} 패키지가 없습니다.",
            )
            return self._report(State.MISSING_SOFTWARE, reason, say(*self.obtain))
        if not can_ask():
            reason = say(
                "An app in one piece has no other process to ask it in.",
                "한 덩어리로 묶인 앱에서는 따로 확인할 프로세스가 없습니다.",
            )
            return self._report(State.UNSUPPORTED, reason, _elsewhere())
        answer = asked(self.code, os.environ.get("PATH", ""))
        if answer.fault or not answer.lines:
            reason = say(
                f"{self.package} cannot be used: {answer.fault}",
                f"{self.package}을(를) 쓸 수 없습니다: {answer.fault}",
            )
            return self._report(State.MISSING_SOFTWARE, reason, say(*self.obtain))
        said = json.loads(answer.lines[-1])
        if "error" in said:
            return self._report(self.absent, f"{self.package}: {said['error']}", say(*self.obtain))
        found = say(f"There is {said['found']}.", f"{said['found']} 장치가 있습니다.")
        return self._report(State.UNSUPPORTED, f"{found} {say(*self.unmade)}", _elsewhere())

    def _report(self, state: State, reason: str, fix: str) -> Report:
        return Report(self.name, state, reason[:600], fix, self.silicon)

    def _open(self, bundle: Bundle, plan: Plan) -> DecoderSession:
        self._refuse(bundle)

    def _refuse(self, bundle: Bundle) -> NoReturn:
        raise DeviceUnavailable(
            say(
                f"The device {self.name} cannot run {bundle.name}.",
                f"{self.name} 장치로는 {bundle.name}을(를) 실행할 수 없습니다.",
            ),
            *self.refusal(bundle),
        )


@cache
def asked(code: str, path: str) -> Answer:
    """What a vendor's package says in another process; once for the same code and PATH."""
    return ask("-c", code, seconds=SECONDS)


def _is_there(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):  # its parent is broken, or was put there by hand
        return False


def _elsewhere() -> str:
    return say("Choose another device: ondol devices", "다른 장치를 고르세요: ondol devices")
