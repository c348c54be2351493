"""Settle: the types of raw columns, decided over all parts of a table as they would be over the whole.

A few rows of each part stand for the types in it: a missing value, a value, and one of each kind where a column
holds several. What pandas makes of those together is what it would make of the whole.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keepfit.columns import join, settle_types
from keepfit.tables import write_parts

if TYPE_CHECKING:
    import pyarrow as pa

Parts = Callable[[], Iterator[pd.DataFrame]]


def write_settled(path: Path, parts: Parts) -> int:
    """Write parts of raw rows as one Parquet table of settled types; return the number of rows.

    `parts` is called twice where there is more than one part, and must give the same each time.
    """
    some = parts()
    first, second = next(some), next(some, None)
    if second is None:
        return write_parts(path, [settle_types(first)])
    shown = Shown()
    for part in (first, second, *some):
        shown.add(part)
    return write_parts(path, (settle_part(part, shown) for part in parts()))


@dataclass(frozen=True)
class Shown:
    """A few rows of each part that differs from the others in the type of a column."""

    frames: "dict[Hashable, pd.DataFrame]" = field(default_factory=dict)

    def add(self, part: pd.DataFrame) -> None:
        """Take in the types of one more part."""
        rows = {row for name in part for row in _first_of_each_kind(part[name])}
        few = part.iloc[sorted(rows)]
        self.frames.setdefault(tuple(_tell_type(few[name]) for name in few), few)


def settle_part(part: pd.DataFrame, shown: Shown) -> "pa.Table":
    """Return a part with the types that all parts have together."""
    import pyarrow as pa

    few = list(shown.frames.values())
    schema = pa.Schema.from_pandas(settle_types(join(few)), preserve_index=False)
    settled = settle_types(join([*few, part])).iloc[sum(map(len, few)) :]
    table = pa.Table.from_pandas(settled, schema=schema, preserve_index=False)
    return table.replace_schema_metadata(schema.metadata)


def _tell_type(values: pd.Series) -> Hashable:
    known = values[values.notna()]
    kinds = frozenset(map(_tell_kind, known)) if values.dtype == object else known.empty
    return values.name, values.dtype, kinds, values.empty


def _tell_kind(value: object) -> object:
    return (Decimal, value.adjusted(), value.as_tuple().exponent) if isinstance(value, Decimal) else type(value)


def _first_of_each_kind(values: pd.Series) -> list[int]:
    known = values.notna()
    kinds = values.map(type).where(known) if values.dtype == object else known
    rows = np.flatnonzero(~kinds.duplicated().to_numpy()).tolist()
    numbers = values[known & (kinds == Decimal)] if values.dtype == object else values[:0]
    if len(numbers):
        # Parquet holds as many digits before and after the point as the longest ones have.
        places = np.flatnonzero((known & (kinds == Decimal)).to_numpy())
        rows += [int(places[np.argmax([each.adjusted() for each in numbers])])]
        rows += [int(places[np.argmin([each.as_tuple().exponent for each in numbers])])]
    return rows
