"""The Snapdragon chips that HTP graphs are compiled for, as a table.

The plugin takes ids it does not know and leaves the graph to the CPU; so names are checked here.
"""

import difflib
from dataclasses import dataclass

from ondol.errors import OptionError
from ondol.language import say


@dataclass(frozen=True, slots=True)
class Soc:
    """A chip: its part number, QNN's id of it, the version of its HTP, and what shops call it.

    `model` is QNN's `soc_model`, `arch` its `htp_arch` (QnnTypes.h and the options of
    onnxruntime-qnn; those here were compiled for with QAIRT 2.51).
    """

    name: str
    model: int
    arch: int
    sold_as: str


SOCS = {
    soc.name: soc
    for soc in (
        Soc("SM8450", 36, 69, "Snapdragon 8 Gen 1"),
        Soc("SM8550", 43, 73, "Snapdragon 8 Gen 2"),
        Soc("SM8650", 57, 75, "Snapdragon 8 Gen 3"),
        Soc("SM8750", 69, 79, "Snapdragon 8 Elite"),
        Soc("SM8850", 87, 81, "Snapdragon 8 Elite Gen 5"),
    )
}
"""By name, oldest first."""

DEFAULT = "SM8750"


def soc_of(name: str) -> Soc:
    """A chip by its part number, in any case.

    Raises:
        OptionError: naming those that are known.
    """
    found = SOCS.get(name.upper())
    if found is not None:
        return found
    near = difflib.get_close_matches(name.upper(), SOCS, n=1, cutoff=0.3)
    raise OptionError(
        say(f"There is no SoC {name!r:.60}.", f"{name!r:.60}라는 SoC는 없습니다."),
        say(f"Known: {', '.join(SOCS)}.", f"아는 SoC: {', '.join(SOCS)}."),
        f"qnn:{near[0] if near else DEFAULT}",
    )
