"""Spans: a number of rows or a length of time, as one writes it in a parameter file."""

import re
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

if TYPE_CHECKING:
    import pandas as pd

LENGTH = re.compile(r"\d+(\.\d+)? ?(W|D|h|min|s)")


def check_span(value: int | str) -> int | str:
    """Return the value as it is; raise ValueError where it is neither rows nor a length of time."""
    if isinstance(value, int) and value < 0:
        raise ValueError("allowed: a number of rows of zero or more")
    if isinstance(value, str) and not LENGTH.fullmatch(value):
        raise ValueError("allowed: a number of rows, or a length of time such as 28D, 6h or 30min")
    return value


def parse_span(value: int | str) -> "int | pd.Timedelta":
    """Return rows as an int and a length of time as a Timedelta; raise ValueError."""
    import pandas as pd

    checked = check_span(value)
    return checked if isinstance(checked, int) else pd.Timedelta(checked)


Span = Annotated[int | str, AfterValidator(check_span)]
