"""Operations: what an expression may be made of, and of which kinds of values.

An expression is a list: an operation and its arguments, which are expressions, numbers or texts. `["column", name]`
is a raw value. Lists and nothing else, so that a plan is plain JSON.
"""

from typing import Any, Literal

import numpy as np

Kind = Literal["number", "truth", "category", "time"]
Expression = list[Any]
ARITHMETIC = ("add", "subtract", "multiply", "true_divide", "floor_divide", "remainder", "power")
COMPARISONS = ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")
LOGIC = ("and", "or")
UFUNC_NAMES = {"divide": "true_divide", "mod": "remainder", "logical_and": "and", "logical_or": "or"}
# Functions of NumPy that are called as they are, so that the last bit is theirs.
# fmt: off
CALLED = (
    "sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh", "tanh", "exp", "exp2",
    "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "square", "hypot", "deg2rad", "rad2deg",
    "radians", "degrees", "floor", "ceil", "trunc", "rint", "fmod", "sign", "reciprocal", "maximum",
    "minimum", "fmax", "fmin",
)
# fmt: on
PARTS_OF_TIME = ("hour", "minute", "second", "dayofweek", "weekday", "day_of_week", "day", "month", "year")


class Untraceable(Exception):
    """A function does what cannot be followed over symbols."""


class Term:
    """An expression and the kind of its value."""

    def __init__(self, expression: Expression, kind: Kind) -> None:
        self.expression, self.kind = expression, kind


def combine(name: str, left: Any, right: Any) -> Term:
    """Return an operation on two values, which are terms, numbers or texts; raise Untraceable."""
    kinds = {each.kind for each in (left, right) if isinstance(each, Term)}
    if name in LOGIC:
        if kinds != {"truth"} or not (_is_truth(left) and _is_truth(right)):
            raise Untraceable("combines the bits of numbers")
        return Term([name, as_plain(left), as_plain(right)], "truth")
    if name in ("equal", "not_equal") and kinds == {"category"}:
        return Term([name, _text(left), _text(right)], "truth")
    if name in COMPARISONS:
        return Term([name, as_number(left), as_number(right)], "truth")
    return Term([name, as_number(left), as_number(right)], "number")


def choose(condition: Any, one: Any, other: Any) -> Term:
    """Return `one` where a truth holds and `other` elsewhere; raise Untraceable."""
    if not isinstance(condition, Term) or condition.kind != "truth":
        raise Untraceable("chooses by what is no truth")
    kinds = {each.kind for each in (one, other) if isinstance(each, Term)}
    if kinds - {"number"}:
        raise Untraceable(f"chooses between values of the kind {', '.join(sorted(kinds))}")
    return Term(["choose", condition.expression, as_number(one), as_number(other)], "number")


def as_number(value: Any) -> Any:
    """Return a number as an argument of an expression; raise Untraceable."""
    if isinstance(value, Term) and value.kind != "number":
        raise Untraceable(f"computes with a {value.kind}")
    return as_plain(value)


def _text(value: Any) -> Any:
    if not isinstance(value, Term | str):
        raise Untraceable("compares a category with what is no text")
    return as_plain(value)


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool | np.bool_) or (isinstance(value, Term) and value.kind == "truth")


def as_plain(value: Any) -> Any:
    """Return a value as an argument of an expression; raise Untraceable."""
    if isinstance(value, Term):
        return value.expression
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float | np.integer | np.floating):
        # JSON has neither NaN nor infinity.
        return float(value) if np.isfinite(value) else ["constant", str(float(value))]
    raise Untraceable(f"computes with {type(value).__name__}")
