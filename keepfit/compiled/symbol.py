"""Symbol: stands for a column while a feature function is followed, and writes down what is done to it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from keepfit.compiled.operations import (
    ARITHMETIC,
    CALLED,
    COMPARISONS,
    LOGIC,
    PARTS_OF_TIME,
    UFUNC_NAMES,
    Expression,
    Term,
    Untraceable,
    as_number,
    as_plain,
    choose,
    combine,
)


class Symbol(Term):
    """Stands for a column while a function is followed."""

    __array_priority__ = 1000
    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def of(cls, term: Term) -> "Symbol":
        """Return the symbol of a term."""
        return cls(term.expression, term.kind)

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
            return Symbol.of(combine(name, *inputs))
        if name in ("isnan", "invert", "logical_not", "negative", "absolute", "fabs", "positive"):
            value = _number_or_truth(inputs[0])
            return {"isnan": value.isna, "positive": lambda: value}.get(
                name, {"negative": value.__neg__, "absolute": value.abs, "fabs": value.abs}.get(name, value.__invert__)
            )()
        if name in CALLED:
            return Symbol([name, *(as_plain(each) for each in inputs)], "number")
        raise Untraceable(f"uses np.{ufunc.__name__}")

    def __array_function__(self, function: Callable, _: Any, arguments: tuple, options: dict) -> "Symbol":
        if function is np.where and len(arguments) == 3 and not options:
            return Symbol.of(choose(*arguments))
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
        return Symbol.of(choose(condition, self, other))

    def mask(self, condition: Any, other: Any = np.nan) -> "Symbol":
        """`other` where the condition holds, itself elsewhere."""
        return Symbol.of(choose(condition, other, self))

    def fillna(self, value: Any) -> "Symbol":
        """Itself, or the value where it is missing."""
        return Symbol.of(choose(self.isna(), value, self))

    def clip(self, lower: Any = None, upper: Any = None) -> "Symbol":
        """Itself, held between two bounds; a missing value stays missing."""
        found = self
        for bound, beyond in ((lower, "less"), (upper, "greater")):
            if bound is not None:
                found = Symbol.of(choose(Symbol.of(combine(beyond, found, bound)), bound, found))
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
        return Symbol(["absolute", as_number(self)], "number")

    __abs__ = abs

    @property
    def dt(self) -> "Parts":
        """Its parts, of a time."""
        if self.kind != "time":
            raise Untraceable("uses .dt on what is no time")
        return Parts(self.expression)

    def __neg__(self) -> "Symbol":
        return Symbol(["negative", as_number(self)], "number")

    def __pos__(self) -> "Symbol":
        return Symbol(as_number(self), "number")

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


def _number_or_truth(value: Any) -> Symbol:
    if isinstance(value, Symbol) and value.kind in ("number", "truth"):
        return value
    raise Untraceable("computes with what is no number")


def _operator(name: str, *, reflected: bool) -> Callable[[Symbol, Any], Symbol]:
    def operate(self: Symbol, other: Any) -> Symbol:
        return Symbol.of(combine(name, other, self)) if reflected else Symbol.of(combine(name, self, other))

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
