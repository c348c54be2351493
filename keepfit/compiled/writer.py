"""Writer: expressions as lines of Python, each one once."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np

from keepfit.errors import FeatureError

INFIX = {
    "add": "{} + {}",
    "subtract": "{} - {}",
    "multiply": "{} * {}",
    # Python refuses what NumPy answers with infinity or NaN.
    "true_divide": "{0} / {1} if {1} else divide({0}, {1})",
    "floor_divide": "{0} // {1} if {1} else floor_divide({0}, {1})",
    "remainder": "{0} % {1} if {1} else nan",
    "less": "{} < {}",
    "less_equal": "{} <= {}",
    "greater": "{} > {}",
    "greater_equal": "{} >= {}",
    "equal": "{} == {}",
    "not_equal": "{} != {}",
    "and": "{} and {}",
    "or": "{} or {}",
    "not": "not {}",
    "negative": "-{}",
    "absolute": "abs({})",
    "float": "float({})",
    "missing": "{0} != {0}",
    "none": "{} is None",
    "choose": "{1} if {0} else {2}",
    "constant": "float({!r})",
}
DAY = 86_400_000_000_000
PARTS = {
    "hour": f"nan if {{0}} is None else float({{0}} % {DAY} // 3_600_000_000_000)",
    "minute": "nan if {0} is None else float({0} // 60_000_000_000 % 60)",
    "second": "nan if {0} is None else float({0} // 1_000_000_000 % 60)",
    # The first day of 1970 was a Thursday.
    "dayofweek": f"nan if {{0}} is None else float(({{0}} // {DAY} + 3) % 7)",
    **{name: f"nan if {{0}} is None else float(calendar({{0}}).{name})" for name in ("day", "month", "year")},
}


def calendar(nanoseconds: int) -> datetime:
    """Return the day of a time in UTC."""
    return datetime.fromtimestamp(nanoseconds // 1_000_000_000, UTC)


def refuse_infinite(**values: Any) -> None:
    """Raise FeatureError for the first value that is infinite."""
    name = next(name for name, value in values.items() if value is not None and math.isinf(value))
    raise FeatureError(f"{name}: infinite")


class Writer:
    """Lines of Python, each expression once, and the names that they need."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {
            "nan": math.nan,
            "isinf": math.isinf,
            "calendar": calendar,
            "divide": lambda one, other: float(np.divide(one, other)),
            "floor_divide": lambda one, other: float(np.floor_divide(one, other)),
            "refuse_infinite": refuse_infinite,
        }
        self._written: dict[str, str] = {}

    def write(self, expression: Any) -> str:
        """Return the name of a variable that holds the expression, or the number or text itself."""
        if not isinstance(expression, list):
            return repr(expression)
        key = repr(expression)
        if key not in self._written:
            text = self._text(expression)
            variable = f"v{len(self._written)}"
            self.lines.append(f"{variable} = {text}")
            self._written[key] = variable
        return self._written[key]

    def define(self, expression: Any, variable: str) -> None:
        """Say that a variable holds an expression."""
        self._written[repr(expression)] = variable

    def keep(self, value: Any, name: str) -> str:
        """Return the name under which the lines find a value."""
        self.names[name] = value
        return name

    def _text(self, expression: list[Any]) -> str:
        name, *arguments = expression
        if name == "constant":
            return INFIX[name].format(*arguments)
        if name == "one_of":
            return f"{self.write(arguments[0])} in {self.keep(frozenset(arguments[1:]), f'set{len(self.names)}')}"
        if name == "power":
            return self._power(*arguments)
        written = [self.write(each) for each in arguments]
        if template := INFIX.get(name) or PARTS.get(name):
            return template.format(*written)
        return self._call(name, *written)

    def _power(self, base: Any, exponent: Any) -> str:
        # As NumPy has it, whose power of two is a product.
        if exponent == 2.0:
            return "{0} * {0}".format(self.write(base))
        if exponent == 0.5:
            return self._call("sqrt", self.write(base))
        return self._call("power", self.write(base), self.write(exponent))

    def _call(self, name: str, *arguments: str) -> str:
        return f"float({self.keep(getattr(np, name), f'np_{name}')}({', '.join(arguments)}))"

    def finish(self, head: str, name: str) -> Callable[..., Any]:
        """Return the function of these lines."""
        text = "\n    ".join([head, *self.lines])
        exec(compile(text, f"<{name}>", "exec"), self.names)  # noqa: S102 - made of the operations above alone
        return self.names[name]
