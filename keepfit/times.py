"""Times: UTC without a zone everywhere, and what a cut-off lets in."""

from datetime import date, datetime
from typing import Any

import pandas as pd

from keepfit.dataset import EPOCHS
from keepfit.errors import SettingsError
from keepfit.numerals import to_numbers


def parse_times(values: pd.Series, form: str | None = None) -> pd.Series:
    """Return times in UTC without a zone; what is not a time becomes NaT.

    `form` is None for ISO 8601, one of EPOCHS, `mixed`, or a form of strptime such as `%d.%m.%Y`: that of values that
    are not times already.
    """
    if form in EPOCHS and not pd.api.types.is_datetime64_any_dtype(values):
        numbers = to_numbers(values)
        parsed = pd.to_datetime(numbers, utc=True, errors="coerce", unit=form)
    else:
        parsed = pd.to_datetime(_write_numbers(values, form), utc=True, errors="coerce", format=form or "ISO8601")
    parsed = parsed.dt.tz_localize(None)
    return parsed.where(parsed.between(pd.Timestamp.min, pd.Timestamp.max)).astype("datetime64[ns]")


def _write_numbers(values: pd.Series, form: str | None) -> pd.Series:
    """Return the values with numbers such as 20240131.0 as text: a missing neighbour made floats of them."""
    if form and pd.api.types.is_numeric_dtype(values):
        return values.map(as_text, na_action="ignore")
    # A mended value beside numbers is text.
    if values.dtype == object and pd.api.types.infer_dtype(values, skipna=True) != "string":
        return values.map(lambda value: as_text(value) if isinstance(value, float) else value, na_action="ignore")
    return values


def parse_moment(text: str) -> pd.Timestamp:
    """Return the day or the moment in ISO 8601 that a person wrote, in UTC without a zone; raise SettingsError."""
    moment = parse_times(pd.Series([text]))[0]
    if pd.isna(moment):
        raise SettingsError(f"{text!r} is no moment; allowed: a day such as 2018-03-31, or one with its time")
    return moment


def as_text(value: Any) -> str:
    """Return a value as text; a whole number is written alike whether a missing neighbour made it a float or not."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def end_of(until: datetime | date | None) -> pd.Timestamp:
    """Return the last moment that the cut-off lets in: a date means the whole of that day."""
    if until is None:
        return pd.Timestamp.max
    if isinstance(until, datetime):
        return parse_times(pd.Series([until]))[0]
    return pd.Timestamp(until) + pd.Timedelta(days=1) - pd.Timedelta(1, "ns")
