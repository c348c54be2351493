"""Values: one JSON value as the type that its column declares, as keepfit.columns.parse reads it, or why not."""

import math
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from keepfit.cells import EXACT, INEXACT, as_category
from keepfit.dataset import EPOCHS, Column

# A number is a float and a missing one NaN, a truth 0.0 or 1.0, a category a text or None, a time nanoseconds since
# 1970 in UTC or None.
Typed = float | str | int | None
Reader = Callable[[Any], Typed]
NAN = math.nan
# What pandas' nanoseconds can hold.
EARLIEST, LATEST = -(2**63) + 1, 2**63 - 1
PLAIN = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
NAIVE_EPOCH = datetime(1970, 1, 1)


class WrongValue(Exception):
    """A value that its column does not allow, and what it does."""

    def __init__(self, problem: str, allowed: str) -> None:
        super().__init__(problem)
        self.problem, self.allowed = problem, allowed


def make_reader(column: Column) -> Reader:
    """Return the function that takes a JSON value to the column's type, and raises WrongValue."""
    read = READERS[column.type]
    allowed = describe(column)
    missing = None if column.type in ("datetime", "category") else NAN
    no_text = "" if column.type == "category" else None

    def read_value(value: Any) -> Typed:
        if value is None or value == no_text:
            if not column.nullable:
                raise WrongValue("null" if value is None else "empty", allowed)
            return missing
        return read(value, column, allowed)

    return read_value


def limits(column: Column) -> tuple[float | None, float | None]:
    """Return the least and the greatest number that a column allows, None for none."""
    if column.type != "int":
        return column.min, column.max
    low, high = column.min, column.max
    return (-EXACT if low is None else max(low, -EXACT)), (EXACT if high is None else min(high, EXACT))


def describe(column: Column) -> str:
    """Return what a column allows, in words."""
    kind = {
        "int": "a whole number",
        "float": "a number",
        "bool": "true or false",
        "category": "a text",
        "datetime": describe_time(column.format),
    }[column.type]
    low, high = column.min, column.max
    if low is not None and high is not None:
        kind += f" from {low:g} to {high:g}"
    elif low is not None:
        kind += f" of {low:g} or more"
    elif high is not None:
        kind += f" of {high:g} or less"
    return kind + (" or null" if column.nullable else "")


def describe_time(form: str | None) -> str:
    """Return how a time is written, in words."""
    if form is None:
        return "a time in ISO 8601, such as 2017-09-28T15:30:00Z; without a zone it is UTC"
    if form in EPOCHS:
        return f"a number of {form} since 1970"
    return "a time" if form == "mixed" else f"a time written as {form}"


def read_plain_time(text: str) -> int:
    """Return the time of an ISO text of the usual shapes as nanoseconds; raise ValueError for any other."""
    if not PLAIN.fullmatch(text):
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    since = moment - (NAIVE_EPOCH if moment.tzinfo is None else EPOCH)
    nanoseconds = since // MICROSECOND * 1000
    if not EARLIEST <= nanoseconds <= LATEST:
        raise ValueError(text)
    return nanoseconds


def _read_number(value: Any, column: Column, allowed: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongValue("wrong type", allowed)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise WrongValue("not finite", allowed)
    if column.type == "int" and not number.is_integer():
        raise WrongValue("not a whole number", allowed)
    if column.type == "int" and abs(number) > EXACT:
        raise WrongValue(INEXACT, allowed)
    if column.min is not None and number < column.min:
        raise WrongValue(f"below {column.min:g}", allowed)
    if column.max is not None and number > column.max:
        raise WrongValue(f"above {column.max:g}", allowed)
    return number


def _read_truth(value: Any, _: Column, allowed: str) -> float:
    # Parquet and CSV have them as numbers, too; minus zero is neither.
    if not isinstance(value, bool | int | float) or value not in (0, 1) or str(value).startswith("-"):
        raise WrongValue("wrong type", allowed)
    return float(value)


def _read_text(value: Any, _: Column, allowed: str) -> str:
    if isinstance(value, dict | list):
        raise WrongValue("wrong type", allowed)
    if isinstance(value, float) and not math.isfinite(value):
        raise WrongValue("not finite", allowed)
    text = as_category(value) or ""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise WrongValue("half of a surrogate pair", allowed) from None
    return text


def _read_time(value: Any, column: Column, allowed: str) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise WrongValue("wrong type", allowed)
    if isinstance(value, str) != (column.format not in EPOCHS) and not _written_in_digits(value, column.format):
        raise WrongValue("wrong type", allowed)
    if column.format is None:
        with suppress(ValueError):
            return read_plain_time(str(value))
    return _parse_time(value, column.format, allowed)


def _written_in_digits(value: Any, form: str | None) -> bool:
    return form is not None and "%" in form and isinstance(value, int)


def _parse_time(value: Any, form: str | None, allowed: str) -> int:
    import pandas as pd

    from keepfit.times import parse_times

    try:
        found = parse_times(pd.Series([value]), form)[0]
    except (ValueError, OverflowError):
        raise WrongValue("not a time", allowed) from None
    if pd.isna(found):
        raise WrongValue("not a time", allowed)
    return int(found.value)


READERS: dict[str, Callable[[Any, Column, str], Typed]] = {
    "int": _read_number,
    "float": _read_number,
    "bool": _read_truth,
    "category": _read_text,
    "datetime": _read_time,
}
