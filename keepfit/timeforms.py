"""Time forms: how the times of a column are written."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from keepfit.times import parse_times

DATES = (
    *("%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y.%m.%d"),
    *("%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y"),
)
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
FORMS = (*(date + clock for date, clock in product(DATES, CLOCKS)), "%b %Y", "%B %Y", "%m/%Y")
SWAPPED = {"%d/%m": "%m/%d", "%m/%d": "%d/%m", "%d-%m": "%m-%d", "%m-%d": "%d-%m"}
# What a time without a form of its own looks like: three parts, the first or the last of them a number.
SHAPED = r"^\D*\d{1,4}[-/. ,]+\w{1,9}[-/. ,]+\d{1,4}|^\w{3,9}[-/. ,]+\d{1,2}[-/. ,]+\d{4}"
# The times that numbers may stand for: from 1970 and a bit to 2100.
SINCE, UNTIL = pd.Timestamp("1971-01-01"), pd.Timestamp("2100-01-01")
ENOUGH, SAMPLE = 0.99, 2000


@dataclass(frozen=True)
class TimeForm:
    """A form of times, None for ISO 8601, and another one that reads them all as well."""

    form: str | None
    other: str | None = None


def find_text_form(values: pd.Series) -> TimeForm | None:
    """Return how texts, in the order of their rows, are written as times, or None where fewer than 99 % are times.

    Where either could be the day and the month, the reading in which time goes forward is taken.
    """
    sample = spread(values).map(str)
    if not sample.str.contains(r"\d[^\d]+\d|[a-zA-Z]{3}.*\d", regex=True).mean() >= ENOUGH:
        return None
    # Where not even one of so many values is of a form, too many of the sample are not.
    first = sample.iloc[: int(len(sample) * (1 - ENOUGH)) + 1]
    for form in (None, *FORMS):
        if _share(first, form) and _share(sample, form) >= ENOUGH and _share(values, form) >= ENOUGH:
            return _settle_order(form, values)
    if sample.str.contains(SHAPED, regex=True).mean() >= ENOUGH and _share(values, "mixed") >= ENOUGH:
        return TimeForm("mixed")
    return None


def find_number_form(values: pd.Series) -> TimeForm | None:
    """Return how numbers stand for times: since 1970 in some unit, or as digits such as 20240131."""
    low, high = values.min(), values.max()
    if low >= 19000101 and high <= 21001231 and _share(spread(values), "%Y%m%d") >= ENOUGH:
        return TimeForm("%Y%m%d")
    if low >= 1900 and high <= 2100:
        return TimeForm("%Y")
    for unit, scale in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)):
        if SINCE.timestamp() * scale <= low and high <= UNTIL.timestamp() * scale:
            return TimeForm(unit)
    return None


def _settle_order(form: str | None, values: pd.Series) -> TimeForm:
    pair = form and next((part for part in SWAPPED if part in form), None)
    if not form or not pair:
        return TimeForm(form)
    other = form.replace(pair, SWAPPED[pair])
    if _share(values, other) < ENOUGH:
        return TimeForm(form)
    head = values.iloc[:5000]
    first, second = (parse_times(head, each).diff().dropna() >= pd.Timedelta(0) for each in (form, other))
    if first.mean() == second.mean():
        return TimeForm(form, other)
    return TimeForm(form if first.mean() > second.mean() else other)


def _share(values: pd.Series, form: str | None) -> float:
    return float(parse_times(values, form).notna().mean())


def spread(values: pd.Series) -> pd.Series:
    """Return up to 2,000 evenly spread values."""
    return values.iloc[np.unique(np.linspace(0, len(values) - 1, min(SAMPLE, len(values))).astype(int))]
