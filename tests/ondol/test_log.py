"""Every module's logger is one that a policy governs."""

import ast

from source_tree import PACKAGES, modules, shown


def test_no_module_of_the_sdk_has_a_logger_of_its_own() -> None:
    own = [
        f"{shown(path)}:{node.lineno}"
        for path in modules(PACKAGES["ondol"])
        if path.name != "log.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "getLogger"
    ]
    assert own == [], "use ondol.log.logger"
