"""Entities: whose row is which, so that a row looks back on rows of its own entity and on no other's.

An entity is what a table has several rows of in time: a customer, a station. Rows are in time order; a code is a number
that stands for an entity, and counts are of rows of one entity.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from keepfit.tables import Table


def number_entities(values: pd.Series) -> np.ndarray:
    """Return the code of each row's entity."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.codes.to_numpy()
    return pd.factorize(values)[0]


def count_before(codes: np.ndarray) -> np.ndarray:
    """Return how many rows of its own entity are before each row."""
    groups = group(codes)
    counts = np.empty(len(codes), dtype=np.int64)
    counts[groups.order] = np.arange(len(codes)) - np.repeat(groups.bounds[:-1], np.diff(groups.bounds))
    return counts


def last_of_each(codes: np.ndarray, count: int) -> np.ndarray:
    """Return the positions of the last `count` rows of each entity, ascending."""
    return np.flatnonzero(count_before(codes[::-1])[::-1] < count)


def reach_back(rows: pd.DataFrame, look_back: int, entity: str | None) -> "slice | np.ndarray":
    """Return which rows have `look_back` rows before them, of their own entity where `entity` names its column."""
    if entity is None:
        return slice(look_back, None)
    return count_before(number_entities(rows[entity])) >= look_back


def rows_before(codes: np.ndarray, part: slice, count: int) -> np.ndarray:
    """Return the positions of the last `count` rows before a part of each entity that it has, ascending."""
    found = np.flatnonzero(np.isin(codes[: part.start], np.unique(codes[part])))
    return found[last_of_each(codes[found], count)]


def rows_after(codes: np.ndarray, part: slice, count: int) -> np.ndarray:
    """Return the positions of the first `count` rows after a part of each entity that it has, ascending."""
    found = part.stop + np.flatnonzero(np.isin(codes[part.stop :], np.unique(codes[part])))
    return found[count_before(codes[found]) < count]


def find_histories(rows: "Table", entity: str, parts: Iterable[slice], count: int) -> Iterator[np.ndarray]:
    """Yield for each part, one after the other from row 0 on, what `rows_before` has; in memory are `count` an entity.

    The column `entity` is read once, a part at a time.
    """
    seen = rows.read(0, 0, [entity])[entity]
    for part in parts:
        both = pd.concat([seen, rows.read(part.start, part.stop, [entity])[entity]])
        codes, known = number_entities(both), len(seen)
        yield both.index[:known][np.isin(codes[:known], np.unique(codes[known:]))].to_numpy(np.int64)
        seen = both.iloc[last_of_each(codes, count)]


@dataclass(frozen=True)
class Groups:
    """Rows by entity: their positions, entity by entity in time order, and where each begins among these."""

    order: np.ndarray
    bounds: np.ndarray

    def apply(self, compute: Callable[[list[pd.Series], int], np.ndarray], columns: list[pd.Series]) -> np.ndarray:
        """Return what `compute` gives for the columns and the number of rows of each entity, in the rows' order."""
        ordered = [column.iloc[self.order] for column in columns]
        pieces = [
            _widen(compute([column.iloc[start:stop] for column in ordered], stop - start))
            for start, stop in pairwise(self.bounds.tolist())
        ]
        joined = np.concatenate(pieces)
        values = np.empty(len(joined), dtype=joined.dtype)
        values[self.order] = joined
        return values


def group(codes: np.ndarray) -> Groups:
    """Return the rows by entity; of no rows, one entity without any."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = 1 + np.flatnonzero(ordered[1:] != ordered[:-1])
    return Groups(order, np.concatenate([[0], starts, [len(codes)]]))


def _widen(values: np.ndarray) -> np.ndarray:
    # Beside texts of a fixed width the numbers of another entity would become texts.
    return values.astype(object) if values.dtype.kind in "US" else values
