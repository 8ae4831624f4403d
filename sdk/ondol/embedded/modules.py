"""Which modules some modules need, read out of their sources: every import in them, followed.

Imports inside functions count too, those for type checkers alone do not. Nothing is imported.
"""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ondol.errors import MissingExtra
from ondol.language import say


@dataclass(frozen=True, slots=True)
class Needed:
    """Source files by their place below a folder of packages, and what was not followed."""

    files: Mapping[str, Path]
    others: frozenset[str]


def needed(roots: Iterable[str], packages: Collection[str]) -> Needed:
    """The modules that `roots` lead to within some packages.

    Args:
        roots: modules by name.
        packages: those that are followed; other packages' names are only given back.

    Raises:
        MissingExtra: if a package is not installed as source files.
    """
    homes = {name: _home(name) for name in packages}
    files: dict[str, Path] = {}
    others: set[str] = set()
    todo = list(roots)
    while todo:
        module = todo.pop()
        top, _, _ = module.partition(".")
        if top not in homes:
            others.add(top)
            continue
        path = _source(homes[top], module)
        if path is None:  # a name inside a module, or compiled code
            continue
        place = path.relative_to(homes[top].parent).as_posix()
        if place not in files:
            files[place] = path
            todo += _imports(path, module)
            todo += [module.rpartition(".")[0]] if "." in module else []
    return Needed(dict(sorted(files.items())), frozenset(others))


def _home(package: str) -> Path:
    spec = find_spec(package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    home = Path(folders[0]) if folders else Path()
    if not (home / "__init__.py").is_file():
        raise MissingExtra(
            say(f"The sources of {package} are not here.", f"{package}의 소스 파일이 없습니다."),
            "",
            f"pip install {package.replace('_', '-')}",
        )
    return home


def _source(home: Path, module: str) -> Path | None:
    stem = home.parent.joinpath(*module.split("."))
    for path in (stem / "__init__.py", stem.with_suffix(".py")):
        if path.is_file():
            return path
    return None


def _imports(path: Path, module: str) -> Iterator[str]:
    """Modules that a file imports, and what it takes from them, which may be modules too."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in _run(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package.split(".")[: len(package.split(".")) + 1 - node.level]
            base = ".".join(
                [*(start if node.level else ()), *([node.module] if node.module else ())]
            )
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _run(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            for other in child.orelse:
                yield other
                yield from _run(other)
        else:
            yield child
            yield from _run(child)
