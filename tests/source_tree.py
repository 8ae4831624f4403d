"""The project as files: its packages, its modules, and what each imports."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "ondol": ROOT / "sdk" / "ondol",
    "ondol_converters": ROOT / "converters" / "ondol_converters",
    "ondol_runtimes": ROOT / "runtimes" / "ondol_runtimes",
}
SOURCE_ROOTS = ("sdk", "converters", "runtimes")


@dataclass(frozen=True, slots=True)
class Imported:
    """A name that a file imports: the module, where, and whether that runs on import."""

    module: str
    line: int
    runs: bool

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]

    @property
    def third_party(self) -> bool:
        return self.top not in sys.stdlib_module_names and self.top not in PACKAGES


def modules(folder: Path) -> list[Path]:
    """Every Python file below a folder."""
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[Imported]:
    """What a file imports, anywhere in it: in functions, and for type checkers alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    yield from _found(tree, True)


def _found(node: ast.AST, runs: bool) -> Iterator[Imported]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Imported(alias.name, child.lineno, runs)
        elif isinstance(child, ast.ImportFrom):
            yield Imported("." * child.level + (child.module or ""), child.lineno, runs)
        else:
            yield from _found(child, runs and not _later(child))


def _later(node: ast.AST) -> bool:
    """Whether a node's body does not run when the file is imported."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return True
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
