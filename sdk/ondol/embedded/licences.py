"""The licence texts that go with what is copied: those that its own distribution came with."""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

_NAMES = re.compile(r"(licen[cs]e|copying|notice|thirdpartynotices)", re.IGNORECASE)


def of_package(package: str) -> Iterator[Path]:
    """The licence files of the distribution that an installed package belongs to."""
    for name in dict.fromkeys([*packages_distributions().get(package, ()), package]):
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        # Only its own: what is deeper belongs to what it carries along in its turn
        for file in found.files or ():
            path = Path(str(found.locate_file(file)))
            if _NAMES.match(file.name) and len(file.parts) <= 3 and path.is_file():
                yield path
        return


def beside(library: Path) -> Iterator[Path]:
    """The licence files beside a library, or in the folder above it, as releases have them."""
    for folder in (library.parent, library.parent.parent):
        found = [path for path in sorted(folder.iterdir()) if _NAMES.match(path.name)]
        if found:
            yield from (path for path in found if path.is_file())
            return
