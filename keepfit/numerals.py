"""Numerals: texts as numbers."""

import pandas as pd

# pandas reads an exponent into an integer that overflows, and the process dies: `5e16233991829`, or the
# hexadecimal id 95e16233991829a. No number that fits has more than three digits there.
OVERFLOWS = r"[eE][+-]?\d{5}"


def to_numbers(values: pd.Series) -> pd.Series:
    """Return the values as numbers; what is no number, or none that a float can hold, becomes NaN."""
    if not pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        values = values.astype("object")
        values = values.mask(values.astype(str).str.contains(OVERFLOWS))
    return pd.to_numeric(values, errors="coerce")
