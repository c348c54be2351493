"""Rows: typed rows in time order, in memory or in a file, of which a part or a column is read at a time."""

from typing import TYPE_CHECKING

from keepfit.tables import Table

if TYPE_CHECKING:
    import pandas as pd

    Rows = pd.DataFrame | Table


def read_column(rows: "Rows", name: str) -> "pd.Series":
    """Return a column."""
    return rows.read(0, len(rows), [name])[name] if isinstance(rows, Table) else rows[name]


def read_between(rows: "Rows", start: int, stop: int, columns: list[str]) -> "pd.DataFrame":
    """Return these columns of the rows from `start` up to `stop`."""
    return rows.read(start, stop, columns) if isinstance(rows, Table) else rows.iloc[start:stop][columns]


def count_until(rows: "Rows", time: str, last: str) -> int:
    """Return how many rows there are up to a time: the same however many have come since."""
    return int((read_column(rows, time) <= last).sum())
