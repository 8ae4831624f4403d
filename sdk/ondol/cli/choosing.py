"""Which device a command runs on: what the user named, or what is best here, with a reason."""

from ondol.bundle import Bundle
from ondol.cli.output import note
from ondol.device import Silicon
from ondol.language import say


def chosen(bundle: Bundle, device: str | None) -> str:
    """The device's name; where none was named, those that were passed over are said.

    Not said are devices that would not be chosen anywhere, as emulators: `ondol devices --for`
    lists them too.

    Raises:
        DeviceUnavailable: if nothing here runs the bundle.
    """
    if device is not None:
        return device
    from ondol.choice import pick

    choice = pick(bundle)
    names = ", ".join(each.device for each in choice.passed if _eligible(each.device))
    if names:
        note(
            say(
                f"Device {choice.device}, not {names}; why: ondol devices --for {bundle.name}",
                f"장치 {choice.device}. {names}이(가) 아닌 이유: ondol devices --for {bundle.name}",
            )
        )
    return choice.device


def _eligible(device: str) -> bool:
    """Whether a device could be chosen at all, on some machine and with some bundle."""
    from ondol import registry

    try:
        runtime = registry.runtime(device)
    except Exception:  # a device whose module cannot be imported is one to be told of
        return True
    return runtime.opens and runtime.silicon is Silicon.YES
