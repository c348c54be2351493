"""Cuts: points of a history, and the rows about each at which the audit recomputes the features."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from keepfit.entities import last_of_each, rows_after, rows_before
from keepfit.tables import Table

# Rows before each cut that are compared, and rows after it that are altered.
COMPARED, ALTERED = 200, 200
# How many later rows of each entity are altered besides, and in how many entities it is looked what tells a label.
LATER, ENTITIES = 5, 20


@dataclass(frozen=True)
class Cut:
    """Positions of rows, ascending: those before it, those of them that are compared, and later ones."""

    point: int
    before: np.ndarray
    compared: np.ndarray
    after: np.ndarray


@dataclass(frozen=True)
class Excerpt:
    """Some rows of a file, found by their positions in it."""

    known: pd.DataFrame

    def pick(self, positions: np.ndarray) -> pd.DataFrame:
        """Return the rows at positions that are known."""
        return self.known.loc[positions]


def cut_points(rows: int, cuts: int) -> list[int]:
    """Return up to `cuts` positions, evenly spread, the last one at the end of the table."""
    return sorted({int(cut) for cut in np.linspace(0, rows, cuts + 1)[1:] if cut >= 1})


def cut_at(point: int, rows: int, *, reach: int, codes: np.ndarray | None) -> Cut:
    """Return the cut at a point of so many rows, whose features look `reach` rows back; of entities with `codes`."""
    start = max(0, point - COMPARED)
    later = np.arange(point, min(point + ALTERED, rows))
    if codes is not None:
        later = np.union1d(later, rows_after(codes, slice(start, point), LATER))
    own = slice(start, point)
    return Cut(point, with_history(own, reach=reach, codes=codes), np.arange(start, point), later)


def with_history(part: slice, *, reach: int, codes: np.ndarray | None) -> np.ndarray:
    """Return the positions of a part's rows, and before them of those that they may look back on."""
    if codes is None:
        return np.arange(max(0, part.start - reach), part.stop)
    return np.concatenate([rows_before(codes, part, reach), np.arange(part.start, part.stop)])


def newest(rows: int, *, codes: np.ndarray | None) -> np.ndarray:
    """Return the positions of the newest rows; of entities those of the ones that have most rows."""
    if codes is None:
        return np.arange(max(0, rows - COMPARED), rows)
    values, counts = np.unique(codes, return_counts=True)
    most = values[np.argsort(-counts, kind="stable")[:ENTITIES]]
    found = np.flatnonzero(np.isin(codes, most))
    return found[last_of_each(codes[found], COMPARED)]


def pick(rows: pd.DataFrame | Table, positions: np.ndarray, columns: list[str] | None = None) -> pd.DataFrame:
    """Return the rows at ascending positions."""
    return rows.pick(positions, columns) if isinstance(rows, Table) else rows.iloc[positions]


def excerpt(rows: pd.DataFrame | Table, positions: list[np.ndarray], columns: list[str]) -> Excerpt:
    """Return rows at positions that may overlap; each row group of a file is read once."""
    every = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *positions]))
    return Excerpt(pick(rows, every, columns).set_axis(every))
