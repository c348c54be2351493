"""Source: a plan as the text of two Python functions over one row, `compute` and `score`."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from keepfit.compiled.plan import Category, Number, Plan
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


def make_compute(plan: Plan, pandas_feature: Callable[[str], Callable]) -> Callable:
    """Return `compute(values)`: raw values to a tuple of features; raises FeatureError where one is infinite.

    `pandas_feature(name)` gives a function of all the raw values for a feature that is not traced.
    """
    writer = Writer()
    for place, name in enumerate(plan.columns):
        writer.define(["column", name], f"c{place}")
    if plan.columns:
        writer.lines.append(f"({', '.join(f'c{place}' for place in range(len(plan.columns)))},) = values")
    results = []
    for place, name in enumerate(plan.features):
        if name in plan.untraced:
            function = writer.keep(pandas_feature(name), f"feature{place}")
            writer.lines.append(f"f{place} = {function}(values)")
            results.append(f"f{place}")
        else:
            results.append(writer.write(plan.expressions[name]))
    categories = {each.feature for each in plan.categories}
    named = enumerate(zip(plan.features, results, strict=True))
    numbers = [each for place, each in named if place not in categories]
    if numbers:
        asked = " or ".join(dict.fromkeys(f"isinf({result})" for _, result in numbers))
        told = ", ".join(f"**{{{name!r}: {result}}}" for name, result in numbers)
        writer.lines.append(f"if {asked}: refuse_infinite({told})")
    writer.lines.append(f"return ({', '.join(results)},)")
    return writer.finish("def compute(values):", "compute")


def make_score(plan: Plan, sum_prepared: Callable, finish: Callable) -> Callable:
    """Return `score(features)`: a tuple of features to a score, or a list of one for each class.

    `sum_prepared(*numbers)` sums over the trees; `finish` makes a score of a sum, or several of a list of them.
    """
    writer = Writer()
    used = {number.feature for number in plan.numbers} | {category.feature for category in plan.categories}
    names = [f"f{place}" if place in used else "_" for place in range(len(plan.features))]
    writer.lines.append(f"({', '.join(names)},) = features")
    prepared = [_write_number(writer, number) for number in plan.numbers]
    writer.keep(finish, "finish")
    if plan.estimate.kind == "forest":
        for category in plan.categories:
            prepared += _write_category(writer, category)
        writer.keep(sum_prepared, "sum_prepared")
        writer.lines.append(f"return finish(sum_prepared({', '.join(prepared)}))")
    else:
        sums = [_write_sum(writer, plan, output, prepared) for output in range(len(plan.estimate.start))]
        writer.lines.append(f"return finish({sums[0] if len(sums) == 1 else '[' + ', '.join(sums) + ']'})")
    return writer.finish("def score(features):", "score")


def _write_number(writer: Writer, number: Number) -> str:
    variable = f"f{number.feature}"
    if number.impute is not None:
        writer.lines.append(f"if {variable} != {variable}: {variable} = {number.impute!r}")
    if number.mean is not None:
        writer.lines.append(f"{variable} = ({variable} - {number.mean!r}) / {number.scale!r}")
    return variable


def _write_category(writer: Writer, category: Category) -> list[str]:
    place = category.feature
    rows = lookup(category, lambda row: row[0] if len(row) == 1 else row)
    get = writer.keep(rows.get, f"table{place}")
    other = writer.keep(category.unknown[0] if len(category.unknown) == 1 else category.unknown, f"unknown{place}")
    writer.lines.append(f"k{place} = {get}(f{place}, {other})")
    return [f"k{place}" if len(category.unknown) == 1 else f"*k{place}"]


def lookup(category: Category, convert: Callable[[tuple[float, ...]], Any]) -> dict[str | None, Any]:
    """Return what each text, and None, becomes."""
    return {**{text: convert(row) for text, row in category.table.items()}, None: convert(category.missing)}


def _write_sum(writer: Writer, plan: Plan, output: int, prepared: list[str]) -> str:
    terms = [repr(plan.estimate.start[output])]
    if plan.estimate.kind == "linear":
        coefficients = plan.estimate.coefficients[output]
        terms += [f"{weight!r} * {name}" for weight, name in zip(coefficients, prepared, strict=False)]
        for category, weights in zip(plan.categories, category_weights(plan, output), strict=True):
            place = f"{category.feature}_{output}"
            get = writer.keep(lookup(category, partial(weigh, weights)).get, f"weight{place}")
            other = writer.keep(weigh(weights, category.unknown), f"unknown{place}")
            terms.append(f"{get}(f{category.feature}, {other})")
    return " + ".join(terms)


def category_weights(plan: Plan, output: int) -> list[tuple[float, ...]]:
    """Return the coefficients of each category's numbers, which follow those of the numbers."""
    coefficients = plan.estimate.coefficients[output]
    ends = list(accumulate((len(each.unknown) for each in plan.categories), initial=len(plan.numbers)))
    return [coefficients[start:end] for start, end in pairwise(ends)]


def weigh(weights: tuple[float, ...], row: tuple[float, ...]) -> float:
    """Return the sum of the products, the first first."""
    total = 0.0
    for value, weight in zip(row, weights, strict=True):
        total += value * weight
    return total
