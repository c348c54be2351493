"""Rows: typed rows in time order, in memory or in a file, of which a part or a column is read at a time."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from keepfit.tables import Table

if TYPE_CHECKING:
    import pandas as pd

Rows: TypeAlias = "pd.DataFrame | Table | Tail"


@dataclass(frozen=True)
class Tail:
    """The rows of a stored table from a position on, which is their position 0."""

    table: Table
    first: int

    def __len__(self) -> int:
        return len(self.table) - self.first

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return self.table.columns

    def read(self, start: int, stop: int, columns: list[str] | None = None) -> "pd.DataFrame":
        """Return the rows from `start` up to `stop`, or some of their columns."""
        found = self.table.read(self.first + start, self.first + stop, columns)
        found.index -= self.first
        return found


def read_column(rows: Rows, name: str) -> "pd.Series":
    """Return a column."""
    return rows.read(0, len(rows), [name])[name] if isinstance(rows, Table | Tail) else rows[name]


def read_between(rows: Rows, start: int, stop: int, columns: list[str] | None = None) -> "pd.DataFrame":
    """Return the rows from `start` up to `stop`, or these columns of them."""
    if isinstance(rows, Table | Tail):
        return rows.read(start, stop, columns)
    return rows.iloc[start:stop] if columns is None else rows[columns].iloc[start:stop]


def count_until(rows: Rows, time: str, last: str) -> int:
    """Return how many rows there are up to a time: the same however many have come since."""
    return int((read_column(rows, time) <= last).sum())
