"""Expressions: a feature function followed once over symbols, as the tree of what it computes for one row.

An expression is a list: an operation and its arguments, which are expressions, numbers or texts. `["column", name]`
is a raw value. Lists and nothing else, so that a plan is plain JSON.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from keepfit.dataset import Column
from keepfit.features import Feature

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


def trace(feature: Feature, columns: dict[str, Column]) -> Expression:
    """Return what a feature computes from one row; raise Untraceable."""
    arguments = [_symbol(name, columns) for name in feature.reads]
    try:
        found = feature.function(*arguments)
    except Untraceable:
        raise
    except Exception as error:
        raise Untraceable(f"{type(error).__name__}: {error}") from error
    if not isinstance(found, Symbol):
        raise Untraceable(f"gives {type(found).__name__}")
    if found.kind == "time":
        raise Untraceable("gives a time")
    return ["float", found.expression] if found.kind == "truth" else found.expression


def _symbol(name: str, columns: dict[str, Column]) -> "Symbol":
    kinds: dict[str, Kind] = {"category": "category", "datetime": "time"}
    return Symbol(["column", name], kinds.get(columns[name].type, "number"))


class Symbol:
    """Stands for a column while a function is followed."""

    __array_priority__ = 1000
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, expression: Expression, kind: Kind) -> None:
        self.expression, self.kind = expression, kind

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            # NumPy asks for these before it asks for what is refused below.
            raise AttributeError(name)
        raise Untraceable(f"uses .{name}")

    def __bool__(self) -> bool:
        raise Untraceable("asks whether a column is true")

    def __iter__(self) -> Any:
        raise Untraceable("goes over a column's rows")

    def __len__(self) -> int:
        raise Untraceable("asks for the number of rows")

    def __getitem__(self, _: Any) -> Any:
        raise Untraceable("picks rows")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise Untraceable("makes an array of a column")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> "Symbol":
        name = UFUNC_NAMES.get(ufunc.__name__, ufunc.__name__)
        if method != "__call__" or options:
            raise Untraceable(f"uses np.{name} with options")
        if name in (*ARITHMETIC, *COMPARISONS, *LOGIC):
            return _combine(name, *inputs)
        if name in ("isnan", "invert", "logical_not", "negative", "absolute", "fabs", "positive"):
            value = _number_or_truth(inputs[0])
            return {"isnan": value.isna, "positive": lambda: value}.get(
                name, {"negative": value.__neg__, "absolute": value.abs, "fabs": value.abs}.get(name, value.__invert__)
            )()
        if name in CALLED:
            return Symbol([name, *(_plain(each) for each in inputs)], "number")
        raise Untraceable(f"uses np.{ufunc.__name__}")

    def __array_function__(self, function: Callable, _: Any, arguments: tuple, options: dict) -> "Symbol":
        if function is np.where and len(arguments) == 3 and not options:
            return _choose(*arguments)
        raise Untraceable(f"uses np.{function.__name__}")

    def isna(self) -> "Symbol":
        """Whether it is missing."""
        if self.kind == "truth":
            raise Untraceable("asks whether a truth is missing")
        return Symbol(["missing" if self.kind == "number" else "none", self.expression], "truth")

    def notna(self) -> "Symbol":
        """Whether it is there."""
        return ~self.isna()

    isnull, notnull = isna, notna

    def where(self, condition: Any, other: Any = np.nan) -> "Symbol":
        """Itself where the condition holds, `other` elsewhere."""
        return _choose(condition, self, other)

    def mask(self, condition: Any, other: Any = np.nan) -> "Symbol":
        """`other` where the condition holds, itself elsewhere."""
        return _choose(condition, other, self)

    def fillna(self, value: Any) -> "Symbol":
        """Itself, or the value where it is missing."""
        return _choose(self.isna(), value, self)

    def clip(self, lower: Any = None, upper: Any = None) -> "Symbol":
        """Itself, held between two bounds; a missing value stays missing."""
        found = self
        for bound, beyond in ((lower, "less"), (upper, "greater")):
            if bound is not None:
                found = _choose(_combine(beyond, found, bound), bound, found)
        return found

    def between(self, left: Any, right: Any) -> "Symbol":
        """Whether it lies between two bounds, both included."""
        return (self >= left) & (self <= right)

    def isin(self, values: Any) -> "Symbol":
        """Whether it is one of the values."""
        if self.kind not in ("number", "category") or not all(isinstance(each, str | int | float) for each in values):
            raise Untraceable("uses .isin on what is neither a number nor a category")
        return Symbol(["one_of", self.expression, *values], "truth")

    def astype(self, kind: Any) -> "Symbol":
        """Itself as a float, or a truth as a whole number."""
        whole = kind in (int, "int", "int64", np.int64) and self.kind == "truth"
        if whole or (kind in (float, "float", "float64", np.float64) and self.kind in ("number", "truth")):
            return Symbol(["float", self.expression], "number")
        raise Untraceable(f"uses .astype({kind!r})")

    def abs(self) -> "Symbol":
        """Its size."""
        return Symbol(["absolute", _number(self)], "number")

    __abs__ = abs

    @property
    def dt(self) -> "Parts":
        """Its parts, of a time."""
        if self.kind != "time":
            raise Untraceable("uses .dt on what is no time")
        return Parts(self.expression)

    def __neg__(self) -> "Symbol":
        return Symbol(["negative", _number(self)], "number")

    def __pos__(self) -> "Symbol":
        return Symbol(_number(self), "number")

    def __invert__(self) -> "Symbol":
        if self.kind != "truth":
            raise Untraceable("inverts the bits of a number")
        return Symbol(["not", self.expression], "truth")


class Parts:
    """The parts of a time."""

    def __init__(self, expression: Expression) -> None:
        self._expression = expression

    def __getattr__(self, name: str) -> Symbol:
        if name not in PARTS_OF_TIME:
            raise Untraceable(f"uses .dt.{name}")
        name = "dayofweek" if name in ("weekday", "day_of_week") else name
        return Symbol([name, self._expression], "number")


def _combine(name: str, left: Any, right: Any) -> Symbol:
    kinds = {each.kind for each in (left, right) if isinstance(each, Symbol)}
    if name in LOGIC:
        if kinds != {"truth"} or not (_is_truth(left) and _is_truth(right)):
            raise Untraceable("combines the bits of numbers")
        return Symbol([name, _plain(left), _plain(right)], "truth")
    if name in ("equal", "not_equal") and kinds == {"category"}:
        return Symbol([name, _text(left), _text(right)], "truth")
    if name in COMPARISONS:
        return Symbol([name, _number(left), _number(right)], "truth")
    return Symbol([name, _number(left), _number(right)], "number")


def _choose(condition: Any, one: Any, other: Any) -> Symbol:
    if not isinstance(condition, Symbol) or condition.kind != "truth":
        raise Untraceable("chooses by what is no truth")
    kinds = {each.kind for each in (one, other) if isinstance(each, Symbol)}
    if kinds - {"number"}:
        raise Untraceable(f"chooses between values of the kind {', '.join(sorted(kinds))}")
    return Symbol(["choose", condition.expression, _number(one), _number(other)], "number")


def _number_or_truth(value: Any) -> Symbol:
    if isinstance(value, Symbol) and value.kind in ("number", "truth"):
        return value
    raise Untraceable("computes with what is no number")


def _number(value: Any) -> Any:
    if isinstance(value, Symbol) and value.kind != "number":
        raise Untraceable(f"computes with a {value.kind}")
    return _plain(value)


def _text(value: Any) -> Any:
    if not isinstance(value, Symbol | str):
        raise Untraceable("compares a category with what is no text")
    return _plain(value)


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool | np.bool_) or (isinstance(value, Symbol) and value.kind == "truth")


def _plain(value: Any) -> Any:
    if isinstance(value, Symbol):
        return value.expression
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float | np.integer | np.floating):
        # JSON has neither NaN nor infinity.
        return float(value) if np.isfinite(value) else ["constant", str(float(value))]
    raise Untraceable(f"computes with {type(value).__name__}")


def _operator(name: str, *, reflected: bool) -> Callable[[Symbol, Any], Symbol]:
    def operate(self: Symbol, other: Any) -> Symbol:
        return _combine(name, other, self) if reflected else _combine(name, self, other)

    return operate


OPERATORS = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "true_divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "pow": "power",
    "and": "and",
    "or": "or",
}
for _python, _name in OPERATORS.items():
    setattr(Symbol, f"__{_python}__", _operator(_name, reflected=False))
    setattr(Symbol, f"__r{_python}__", _operator(_name, reflected=True))
for _python, _name in zip(("lt", "le", "gt", "ge", "eq", "ne"), COMPARISONS, strict=True):
    setattr(Symbol, f"__{_python}__", _operator(_name, reflected=False))
