"""Cells: what one value of a table stands for, alike in a file, a database and a request."""

import re
from typing import Any

# The largest whole number of which a float and JSON, which all of them become, hold every digit.
EXACT = 2**53 - 1
INEXACT = f"not from -{EXACT} to {EXACT}"
# What stands for a missing value where a number, a truth or a time is written as text: pandas' words. In a category
# they are names like any other, of which only the empty text is none: NA is Namibia.
# fmt: off
MISSING = frozenset((
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
))
# fmt: on
WHOLE = re.compile(r"([+-]?\d+)\.0+", re.ASCII)


def as_category(value: Any) -> str | None:
    """Return a value as the name of a category, as it is written; None for the empty text.

    Whole numbers are written alike: pandas writes 7 as `7.0` where another row has none.
    """
    if not isinstance(value, str):
        from keepfit.times import as_text

        return as_text(value)
    if value[-1:] == "0" and (whole := WHOLE.fullmatch(value)):
        return "0" if whole[1] == "-0" else whole[1]
    return value or None
