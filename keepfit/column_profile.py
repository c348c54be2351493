"""Profile: what the values of one column are, before anything has been declared about them."""

import re
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from keepfit.cells import EXACT, as_category
from keepfit.columns import TRUTH
from keepfit.numerals import to_numbers
from keepfit.timeforms import TimeForm, find_number_form, find_text_form, spread

Kind = Literal["int", "float", "bool", "category", "datetime", "text", "empty"]
# So many levels of a column are listed by name.
LEVELS = 60
# Text of which so few values are no numbers is a column of numbers; `validate.quota` lets them through.
TOLERATED = 0.01
# A name that says that a value names something, and measures nothing.
NAMING = re.compile(
    r"(^|[\W_])(id|uuid|guid|key|ssn|email|e-mail|phone|url)$|^(uuid|guid|id)([\W_]|$)|^unnamed: \d+$", re.IGNORECASE
)
# A whole number that is none to count with: zeros before it, or more digits than a number keeps.
CODE = re.compile(r"[+-]?(0\d+|\d{16,})", re.ASCII)
CAMEL = re.compile(r"[a-z](Id|ID)$")
# A name that says that a number may be a time.
TIMELY = re.compile(r"time|date|stamp|epoch|(^|_)(ts|at|when|day)$", re.IGNORECASE)


@dataclass(frozen=True)
class Profile:
    """One column: its kind, how many values it has, and their range or their levels.

    `levels` are texts, the most frequent first, with their `counts`, where there are at most LEVELS;
    `unreadable` values are not of the kind; `names_rows` is true of what tells rows apart and measures nothing.
    """

    name: str
    kind: Kind
    rows: int
    missing: int
    distinct: int
    low: float = float("nan")
    high: float = float("nan")
    levels: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    unreadable: int = 0
    infinite: int = 0
    form: TimeForm | None = None
    names_rows: bool = False

    @property
    def known(self) -> int:
        """How many values there are."""
        return self.rows - self.missing

    @property
    def unique(self) -> bool:
        """Whether every row has a value of its own."""
        return self.missing == 0 and self.distinct == self.rows


def profile(values: pd.Series, *, as_time: bool = False) -> Profile:
    """Return what a column holds; with `as_time` numbers are read as times where they can be."""
    known = values.dropna()
    if known.dtype == object:
        known = known[known != ""]
    base = Profile(str(values.name), "empty", len(values), len(values) - len(known), 0)
    if known.empty:
        return base
    if pd.api.types.is_datetime64_any_dtype(known):
        return replace(base, kind="datetime", distinct=known.nunique(), form=TimeForm(None))
    if pd.api.types.is_bool_dtype(known):
        return _with_levels(replace(base, kind="bool"), known.value_counts())
    if pd.api.types.is_numeric_dtype(known):
        return _of_numbers(known, base, as_time=as_time)
    return _of_texts(known.astype("object"), base, as_time=as_time)


def _of_numbers(known: pd.Series, base: Profile, *, as_time: bool) -> Profile:
    numbers = known.to_numpy(dtype=float)
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return replace(base, kind="float", infinite=len(numbers), distinct=known.nunique())
    low, high, whole = float(finite.min()), float(finite.max()), bool((finite == np.round(finite)).all())
    timely = as_time or TIMELY.search(base.name)
    if timely and (form := find_number_form(known)) and (as_time or form.form != "%Y"):
        return replace(base, kind="datetime", distinct=known.nunique(), form=form)
    found = replace(base, distinct=known.nunique(), low=low, high=high, infinite=len(numbers) - len(finite))
    if whole and max(-low, high) > EXACT:
        return _of_long_numbers(known, found)
    if whole and {low, high} == {0, 1} and found.distinct == 2:
        return _with_levels(replace(found, kind="bool"), known.value_counts())
    dense = whole and found.unique and high - low + 1 == found.rows
    found = replace(found, kind="int" if whole else "float", names_rows=whole and (dense or _is_named_so(found)))
    return _with_levels(found, known.value_counts()) if found.distinct <= LEVELS else found


def _of_long_numbers(known: pd.Series, base: Profile) -> Profile:
    # As an `int` column has them they would be rounded, and two become one.
    if pd.api.types.is_float_dtype(known) and not _is_named_so(base):
        return replace(base, kind="float")
    found = replace(base, kind="category", names_rows=_names_nearly_all(base) or _is_named_so(base))
    return _with_levels(found, known.value_counts()) if found.distinct <= LEVELS else found


def _are_codes(values: pd.Series) -> bool:
    texts = values.map(as_category)
    return any(CODE.fullmatch(text) and (text.lstrip("+-")[0] == "0" or abs(int(text)) > EXACT) for text in texts)


def _of_texts(known: pd.Series, base: Profile, *, as_time: bool) -> Profile:
    # Counting a million different times takes longer than reading them.
    sample = spread(known)
    numeric = to_numbers(sample).notna().mean() > 0.5
    if not numeric and (form := find_text_form(known)):
        return replace(base, kind="datetime", distinct=known.nunique(), form=form)
    counts = known.value_counts()
    values = pd.Series(counts.index, dtype="object")
    if 1 < len(values) <= len(TRUTH) and set(values.map(lambda value: str(value).lower())) <= set(TRUTH):
        return _with_levels(replace(base, kind="bool"), counts)
    if numeric:
        numbers = to_numbers(known)
        unreadable = int(numbers.isna().sum())
        if unreadable <= TOLERATED * base.rows:
            read = replace(_of_numbers(numbers.dropna(), base, as_time=as_time), unreadable=unreadable)
            if read.kind == "datetime" or not _are_codes(values):
                return read
    found = replace(base, kind="category", distinct=len(values))
    words = sample.map(lambda value: len(str(value).split())).mean()
    if words >= 3 and found.distinct > max(50, 0.1 * base.known):
        return replace(found, kind="text")
    found = replace(found, names_rows=_names_nearly_all(found) or _is_named_so(found))
    return _with_levels(found, counts) if found.distinct <= LEVELS else found


def _names_nearly_all(found: Profile) -> bool:
    return found.distinct > 50 and found.distinct > 0.5 * found.known


def _is_named_so(found: Profile) -> bool:
    # The id of one of a few shops is a category; that of one of many customers only names.
    named = NAMING.search(found.name) or CAMEL.search(found.name)
    return bool(named) and found.distinct > min(100, 0.5 * found.known)


def _with_levels(base: Profile, counts: pd.Series) -> Profile:
    # 1 and "1" are one level.
    merged = counts.groupby([as_category(value) for value in counts.index], sort=False).sum()
    return replace(base, levels=tuple(merged.index), counts=tuple(map(int, merged)), distinct=len(merged))
