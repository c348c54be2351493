"""Settle: the types of raw columns, decided over all parts of a table as they would be over the whole.

A few rows of each part stand for the types in it: a missing value, a value, and one of each kind where a column
holds several. What pandas makes of those together is what it would make of the whole.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keepfit.columns import settle_types
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
    shown = show_types(show_types(each) for each in (first, second, *some))
    return write_parts(path, (settle_part(part, shown) for part in parts()))


def show_types(frames: "pd.DataFrame | Iterator[pd.DataFrame]") -> pd.DataFrame:
    """Return a few rows of a frame, or of several, that have the types of all."""
    if not isinstance(frames, pd.DataFrame):
        return pd.concat(frames, ignore_index=True)
    chosen = {row for name in frames for row in _first_of_each_kind(frames[name])}
    return frames.iloc[sorted(chosen)]


def settle_part(part: pd.DataFrame, shown: pd.DataFrame) -> "pa.Table":
    """Return a part with the types that the rows of `shown` have together."""
    import pyarrow as pa

    schema = pa.Schema.from_pandas(settle_types(shown), preserve_index=False)
    settled = settle_types(pd.concat([shown, part], ignore_index=True)).iloc[len(shown) :]
    table = pa.Table.from_pandas(settled, schema=schema, preserve_index=False)
    return table.replace_schema_metadata(schema.metadata)


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
