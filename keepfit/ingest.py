"""Ingest: the source up to the cut-off, as it came, with a record of what it was."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keepfit.columns import parse_column, require, settle_types
from keepfit.dataset import Dataset
from keepfit.engine import Engine
from keepfit.errors import EmptyTable, SourceWentBackwards
from keepfit.settle import Shown, settle_part
from keepfit.sources import MixedFiles, Texts, read_parts
from keepfit.spool import Spool
from keepfit.tables import pour_parts
from keepfit.times import end_of

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Extent:
    """How many rows there are, and the times of the first and the last, NaT where none can be read."""

    rows: int
    first: pd.Timestamp
    last: pd.Timestamp

    def __add__(self, other: "Extent") -> "Extent":
        times = pd.Series([self.first, other.first, self.last, other.last], dtype="datetime64[ns]")
        return Extent(self.rows + other.rows, times[:2].min(), times[2:].max())


NOTHING = Extent(0, pd.NaT, pd.NaT)


def cut(frame: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Return the rows up to `dataset.until`, in the order they came, mixed columns as text.

    A row whose time cannot be read stays: `validate` sets it aside with that reason.
    Raises MissingColumn and EmptyTable.
    """
    require(frame, [dataset.time])
    settled = settle_types(frame)
    kept, extent = _up_to(settled, dataset)
    refuse_nothing(extent, dataset)
    return settled[kept].reset_index(drop=True)


def cut_parts(dataset: Dataset, *, engine: Engine, spool: Spool) -> "Iterator[tuple[pa.Table, Extent]]":
    """Yield what `cut` would return of all rows of the source, part by part, with the extent of each.

    The types of a column are those of all its rows: where the source comes in several parts, they wait in a spool.
    Raises MissingColumn and SourceError.
    """
    whole, count, shown = _spool(dataset, engine.rows, spool)
    if whole is not None:
        yield _cut_table(_as_arrow(settle_types(whole)), dataset)
        return
    yield from engine.map(partial(_cut_part, spool=spool, shown=shown, dataset=dataset), range(count))


def write_cut(path: Path, parts: "Iterator[tuple[pa.Table, Extent]]") -> Extent:
    """Write the parts of `cut_parts` to a name that `replacing` gave; return the extent of them together."""
    total = NOTHING

    def tables() -> "Iterator[pa.Table]":
        nonlocal total
        for table, extent in parts:
            total += extent
            yield table

    pour_parts(path, tables())
    return total


def describe(extent: Extent, dataset: Dataset, *, content: str) -> dict[str, Any]:
    """Return the record of an ingest: source, rows, first and last time, content hash."""
    return {
        "source": _identity(dataset),
        "until": dataset.until,
        "rows": extent.rows,
        "first": extent.first,
        "last": extent.last,
        "sha256": content,
    }


def refuse_nothing(extent: Extent, dataset: Dataset) -> None:
    """Raise EmptyTable where there is not one row."""
    if not extent.rows:
        raise EmptyTable(f"dataset.source: no row up to dataset.until = {dataset.until}")


def refuse_backwards(extent: Extent, dataset: Dataset, last: dict[str, Any] | None) -> None:
    """Raise SourceWentBackwards where the source lost its newest rows since the record `last`.

    A cut-off that was moved back, or another source, is the user's doing and not the source's.
    """
    if last is None or dataset.may_go_backwards or last["source"] != _identity(dataset):
        return
    now, before = extent.last, pd.Timestamp(last["last"])
    if (pd.isna(now) or now < before) and before <= end_of(dataset.until):
        raise SourceWentBackwards(
            f"dataset.source: ends at {now}, but it reached {before} at the last ingest; "
            "the last good table is kept. Set dataset.may_go_backwards: true if this is meant"
        )


def _spool(dataset: Dataset, rows: int, spool: Spool) -> tuple[pd.DataFrame | None, int, Shown]:
    """Return the only frame of a source, or keep its parts and return how many there are and rows of their types."""
    texts: Texts = {}
    while True:
        try:
            return _spool_once(dataset, rows, spool, texts)
        except MixedFiles as found:
            texts = found.texts


def _spool_once(dataset: Dataset, rows: int, spool: Spool, texts: Texts) -> tuple[pd.DataFrame | None, int, Shown]:
    parts = read_parts(dataset.source, rows=rows, texts=texts, categories=dataset.categories)
    first, second = next(parts), next(parts, None)
    shown, number = Shown(), 0
    if second is None:
        return first, 1, shown
    for number, part in enumerate(chain((first, second), parts)):
        require(part, [dataset.time])
        shown.add(part)
        # What is mixed in a part is text in the whole.
        spool.write(number, _as_arrow(settle_types(part)))
    return None, number + 1, shown


def _cut_part(number: int, *, spool: Spool, shown: Shown, dataset: Dataset) -> "tuple[pa.Table, Extent]":
    part = spool.read(number).to_pandas(integer_object_nulls=True)
    return _cut_table(settle_part(part, shown), dataset)


def _cut_table(table: "pa.Table", dataset: Dataset) -> "tuple[pa.Table, Extent]":
    import pyarrow as pa

    require(pd.DataFrame(columns=table.column_names), [dataset.time])
    kept, extent = _up_to(table.select([dataset.time]).to_pandas(), dataset)
    return (table if kept.all() else table.filter(pa.array(kept))), extent


def _up_to(frame: pd.DataFrame, dataset: Dataset) -> tuple[np.ndarray, Extent]:
    times = parse_column(frame[dataset.time], dataset.columns[dataset.time])
    kept = ((times <= end_of(dataset.until)) | times.isna()).to_numpy()
    return kept, Extent(int(kept.sum()), times[kept].min(), times[kept].max())


def _as_arrow(frame: pd.DataFrame) -> "pa.Table":
    import pyarrow as pa

    return pa.Table.from_pandas(frame, preserve_index=False)


def _identity(dataset: Dataset) -> dict[str, Any]:
    return dataset.source.model_dump(mode="json", exclude={"watch"})
