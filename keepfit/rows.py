"""Rows: typed rows in time order, in memory or in a file, of which a part or a column is read at a time."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from keepfit.tables import Table

if TYPE_CHECKING:
    import numpy as np
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


def pick_rows(rows: Rows, positions: "np.ndarray", columns: list[str]) -> "pd.DataFrame":
    """Return these columns of the rows at ascending positions."""
    match rows:
        case Table():
            return rows.pick(positions, columns)
        case Tail():
            return rows.table.pick(rows.first + positions, columns)
    return rows[columns].iloc[positions]


def read_with_history(
    rows: Rows, part: slice, columns: list[str], *, look_back: int, entity: str | None
) -> "pd.DataFrame":
    """Return these columns of a part's rows, after those that they look back on: of their own entities, if any."""
    if entity is None:
        return read_between(rows, max(part.start - look_back, 0), part.stop, columns)
    import numpy as np

    from keepfit.entities import number_entities, rows_before

    history = rows_before(number_entities(read_column(rows, entity)), part, look_back)
    return pick_rows(rows, np.concatenate([history, np.arange(part.start, part.stop)]), columns)


def last_with_history(rows: Rows, until: int, *, look_back: int, entity: str) -> int:
    """Return the position before `until` of the last row that has its look-back; of the last row where none has."""
    from keepfit.entities import count_before, number_entities

    reached = count_before(number_entities(read_column(rows, entity).iloc[:until])) >= look_back
    return int(reached.nonzero()[0][-1]) if reached.any() else until - 1


def read_history(rows: Rows, until: int, *, look_back: int, entity: str | None, came: "pd.DataFrame") -> "pd.DataFrame":
    """Return those of the rows up to a position that rows which `came` after it look back on."""
    if entity is None:
        return read_between(rows, max(until - look_back, 0), until)
    import numpy as np

    from keepfit.entities import last_of_each, number_entities

    whose = read_column(rows, entity).iloc[:until]
    found = np.flatnonzero(whose.isin(came[entity].unique()))
    return pick_rows(rows, found[last_of_each(number_entities(whose.iloc[found]), look_back)], list(rows.columns))


def count_until(rows: Rows, time: str, last: str) -> int:
    """Return how many rows there are up to a time: the same however many have come since."""
    return int((read_column(rows, time) <= last).sum())
