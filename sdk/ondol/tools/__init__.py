"""Python functions as tools of a model: described, called for, checked, run, and answered from."""

from ondol.tools.functions import Function, function_tool
from ondol.tools.loop import Outcome, Step, ToolLimits, ToolRun, run_tools

__all__ = [
    "Function",
    "Outcome",
    "Step",
    "ToolLimits",
    "ToolRun",
    "function_tool",
    "run_tools",
]
