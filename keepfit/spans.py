"""Spans: a number of rows or a length of time, as one writes it in a parameter file."""

from typing import Annotated

import pandas as pd
from pydantic import AfterValidator


def parse_span(value: int | str) -> int | pd.Timedelta:
    """Return rows as an int and a length of time (`28D`, `6h`) as a Timedelta; raise ValueError."""
    span = value if isinstance(value, int) else pd.Timedelta(value)
    if isinstance(span, pd.Timedelta) and (pd.isna(span) or span < pd.Timedelta(0)):
        raise ValueError("a length of time of zero or more, such as 28D")
    if isinstance(span, int) and span < 0:
        raise ValueError("a number of rows of zero or more")
    return span


def _check(value: int | str) -> int | str:
    parse_span(value)
    return value


Span = Annotated[int | str, AfterValidator(_check)]
