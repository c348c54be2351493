"""Times: UTC without a zone everywhere, and what a cut-off lets in."""

from datetime import date, datetime

import pandas as pd


def parse_times(values: pd.Series) -> pd.Series:
    """Return times in UTC without a zone; what is not a time becomes NaT."""
    parsed = pd.to_datetime(values, utc=True, errors="coerce", format="ISO8601")
    parsed = parsed.dt.tz_localize(None)
    return parsed.where(parsed.between(pd.Timestamp.min, pd.Timestamp.max)).astype("datetime64[ns]")


def end_of(until: datetime | date | None) -> pd.Timestamp:
    """Return the last moment that the cut-off lets in: a date means the whole of that day."""
    if until is None:
        return pd.Timestamp.max
    if isinstance(until, datetime):
        return parse_times(pd.Series([until]))[0]
    return pd.Timestamp(until) + pd.Timedelta(days=1) - pd.Timedelta(1, "ns")
