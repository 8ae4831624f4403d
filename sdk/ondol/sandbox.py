"""Where chat templates run: a Jinja2 sandbox with a budget, since templates come with models.

A template may loop, call and build text out of a budget and a time that a hostile one uses up
long before it uses up the machine. No attribute leads out of the data it was given.
"""

import json
import re
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import jinja2
from jinja2 import ext, nodes, parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_STEPS = 200_000  # loop turns, calls and filters in one rendering
MAX_CHARS = 32_000_000  # characters and list entries built in one rendering, kept or not
MAX_SECONDS = 10.0
_ENTRY_CHARS = 32  # what looking at one entry of a list costs, in characters
_MAX_NUMBER_BITS = 4_096
_MAX_ARGUMENT = 100_000

# Filters that models' templates use; Jinja2's others pad, format or wrap without bound.
_FILTERS = (
    "abs batch capitalize count d default dictsort e escape first float forceescape groupby int "
    "items last length list lower map max min reject rejectattr reverse round safe select "
    "selectattr slice sort title trim unique upper wordcount"
)
_METHODS = (
    "capitalize casefold count endswith find index isalnum isalpha isascii isdecimal isdigit "
    "isidentifier islower isnumeric isspace istitle isupper join lower lstrip partition "
    "removeprefix removesuffix replace rfind rindex rpartition rsplit rstrip split splitlines "
    "startswith strip swapcase title upper"
)


_OWN_ARGUMENTS = ("_loop_vars", "_block_vars")  # what Jinja2 adds to calls in loops and blocks


class BudgetError(jinja2.TemplateError):
    """A template loops, calls or writes more than a chat template can need."""


class RefusedError(jinja2.TemplateError):
    """A template called `raise_exception`: it does not take these messages."""


class Generation(ext.Extension):
    """The tag `{% generation %}`, which marks text for training and changes nothing here."""

    tags = {"generation"}

    def parse(self, parser: parser.Parser) -> list[nodes.Node]:
        """The tag's body, as if the tag were not there."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment of one template; `refill` before each rendering, one rendering at a time."""

    intercepted_binops = frozenset(("+", "*", "**", "%"))

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.loopcontrols", Generation],
            finalize=self.weighed,
        )
        self.refill()
        plain = self.filters
        self.filters = {name: self._bounded(plain[name]) for name in _FILTERS.split()}
        self.filters["indent"] = self._bounded(self._indented)
        self.filters["join"] = self._bounded(self._joined)
        self.filters["replace"] = self._bounded(self._replaced)
        self.filters["string"] = self._bounded(lambda value: str(self.weighed(value)))
        self.filters["sum"] = self._bounded(_total)
        self.filters["tojson"] = self._bounded(self._tojson)
        self.globals.pop("lipsum", None)
        self.globals["raise_exception"] = _refuse
        self.globals["strftime_now"] = _strftime

    def refill(self) -> None:
        """Give the whole budget again."""
        self._steps = MAX_STEPS
        self._chars = MAX_CHARS
        self._deadline = time.monotonic() + MAX_SECONDS

    def step(self) -> None:
        """Pay for one turn of a loop, call or filter."""
        self._steps -= 1
        if self._steps < 0:
            raise BudgetError(f"more than {MAX_STEPS} loop turns and calls")
        if time.monotonic() > self._deadline:
            raise BudgetError(f"more than {MAX_SECONDS:.0f} seconds")

    def weighed(self, value: Any) -> Any:
        """Pay for the text that a value would make, before it is made."""
        self._spend(len(value)) if isinstance(value, str) else self._walk(value, text=True)
        return value

    def compared(self, value: Any) -> Any:
        """Pay for looking through a value; nested lists can hold more than memory."""
        self._walk(value, text=False)
        return value

    def tilde(self, *parts: object) -> str:
        """The operator `~`."""
        return "".join(str(self.weighed(part)) for part in parts)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Every call in a template comes by here."""
        owner, name = getattr(obj, "__self__", None), getattr(obj, "__name__", "")
        if owner is self:  # put there by _parse; a template cannot name the environment
            return obj(*args)
        self.step()
        self._check((*args, *kwargs.values()))
        if isinstance(owner, str) and name == "replace":
            kwargs = {key: one for key, one in kwargs.items() if key not in _OWN_ARGUMENTS}
            return self._replaced(owner, *args, **kwargs)
        if isinstance(owner, str) and name == "join" and len(args) == 1:
            return self._joined(args[0], owner)
        self._walk(owner, text=False)
        result = super().call(context, obj, *args, **kwargs)
        return self.weighed(result) if isinstance(result, str | list | tuple) else result

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """`+ * ** %` come by here: their results can outgrow any bound."""
        if operator == "+" and _sized(left) and _sized(right):
            self._spend(len(left) + len(right))
        elif operator == "*" and (_sized(left) or _sized(right)):
            size, times = (len(left), right) if _sized(left) else (len(right), left)
            self._spend(size * max(0, times) if isinstance(times, int) else 0)
        elif operator == "%" and _sized(left):
            if not isinstance(left, str) or re.search(r"%[^%a-zA-Z]*[\d*]", left):
                raise BudgetError("formatting with % and a width")
            self.weighed(right)
            self._spend(len(left))
        elif isinstance(left, int) and isinstance(right, int) and "*" in operator:
            bits = left.bit_length() * (abs(right) if operator == "**" else 1)
            if bits + right.bit_length() > _MAX_NUMBER_BITS:
                raise BudgetError("a number of thousands of digits")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Strings keep the methods that cannot grow without bound; nothing keeps underscores."""
        if isinstance(obj, str) and attr not in _METHODS.split():
            return False
        return not attr.startswith("_") and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Without Jinja2's own `format`, whose widths have no bound, the method is refused."""
        return None

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in tree.find_all(nodes.For):
            loop.body.insert(0, nodes.ExprStmt(self._own("step", []), lineno=loop.lineno))
        for part in tree.find_all(nodes.Concat):
            part.nodes = [self._own("tilde", part.nodes)]
        for test in tree.find_all(nodes.Compare):
            test.expr = self._own("compared", [test.expr])
            for operand in test.ops:
                operand.expr = self._own("compared", [operand.expr])
        for named in tree.find_all(nodes.Test):
            if named.name not in ("defined", "undefined"):
                named.node = self._own("compared", [named.node])
        tree.set_environment(self)
        return tree

    def _own(self, name: str, arguments: list[nodes.Expr]) -> nodes.Call:
        return nodes.Call(nodes.EnvironmentAttribute(name), arguments, [], None, None, lineno=1)

    def _spend(self, size: int) -> None:
        self._chars -= size
        if self._chars < 0:
            raise BudgetError(f"more than {MAX_CHARS} characters built")

    def _walk(self, value: object, *, text: bool) -> None:
        stack = [value]
        while stack:
            one = stack.pop()
            if isinstance(one, dict):
                stack += [*one.keys(), *one.values()]
            elif isinstance(one, list | tuple):
                stack += one
            self._spend(len(one) if isinstance(one, str) and text else _ENTRY_CHARS)

    def _check(self, values: Iterable[object]) -> None:
        for value in values:
            if isinstance(value, int) and abs(value) > _MAX_ARGUMENT:
                raise BudgetError(f"a number above {_MAX_ARGUMENT} as an argument")
            if isinstance(value, list | tuple | dict):
                self._walk(value, text=False)

    def _bounded(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        def outer(*args: Any, **kwargs: Any) -> Any:
            self.step()
            # The value filtered is no argument: a large number may be filtered.
            self._check(value for value in args[1:])
            self._check(kwargs.values())
            result = inner(*args, **kwargs)
            if isinstance(result, str):
                self._spend(len(result))
            return result

        first = getattr(inner, "jinja_pass_arg", None)
        if first is not None:  # Jinja2 then puts its own context before the value
            outer.__dict__["jinja_pass_arg"] = first
        return outer

    def _replaced(self, text: object, old: str, new: str, count: int | None = None) -> str:
        whole, limit = str(self.weighed(text)), -1 if count is None else count
        found = whole.count(old)
        self._spend((found if limit < 0 else min(found, limit)) * len(new))
        return whole.replace(old, new, limit)

    def _joined(self, parts: Iterable[Any], d: str = "", attribute: str | None = None) -> str:
        items = [self.getattr(part, attribute) for part in parts] if attribute else list(parts)
        self._spend(len(d) * len(items))
        return d.join([str(self.weighed(item)) for item in items])

    def _indented(
        self, text: str, width: int | str = 4, first: bool = False, blank: bool = False
    ) -> str:
        margin = width if isinstance(width, str) else " " * width
        self._spend(len(margin) * (text.count("\n") + 1))
        head, *rest = text.split("\n")
        lines = [margin + line if line or blank else line for line in rest]
        return "\n".join([margin + head if first else head, *lines])

    def _tojson(
        self,
        value: Any,
        ensure_ascii: bool = False,
        indent: int | None = None,
        separators: tuple[str, str] | None = None,
        sort_keys: bool = False,
    ) -> str:
        if indent is not None and indent > 16:
            raise BudgetError("tojson indents by more than 16")
        self.weighed(value)
        return json.dumps(
            value,
            ensure_ascii=ensure_ascii,
            indent=indent,
            separators=separators,
            sort_keys=sort_keys,
        )


def _sized(value: object) -> bool:
    return isinstance(value, str | bytes | list | tuple)


def _total(values: Iterable[Any], attribute: str | None = None, start: float = 0) -> Any:
    numbers = [value[attribute] for value in values] if attribute else list(values)
    if not all(isinstance(number, int | float) for number in (*numbers, start)):
        raise BudgetError("sum of what is no number")
    return sum(numbers, start)


def _refuse(message: str) -> str:
    raise RefusedError(message)


def _strftime(style: str) -> str:
    # The C library would honour widths such as %999999999d.
    if len(style) > 64 or re.search(r"%[^a-zA-Z%]*\d", style):
        raise BudgetError("strftime_now with widths")
    return datetime.now().strftime(style)
