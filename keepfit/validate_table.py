"""Validate a table: the same rules on a file that need not fit into memory, part by part.

Each part is typed and judged once; its typed rows wait in a spool. What is held of every row is its time, a hash
of its keys and its place in the order of time: some thirty bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keepfit.columns import parse
from keepfit.dataset import Column, Dataset
from keepfit.engine import Engine
from keepfit.repairs import apply_repairs
from keepfit.rules import Judged, find_faults, judge, read_times
from keepfit.spool import Spool
from keepfit.tables import Table, spans
from keepfit.validate import count, join_reasons, set_aside, sort_valid

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class ValidatedTable:
    """The outcome for a table: the report, the newest valid time, and where the rows of both kinds are."""

    raw: Table
    typed: "TypedParts"
    reasons: pd.Series
    order: np.ndarray
    newest: pd.Timestamp
    report: dict[str, Any]
    dataset: Dataset
    repairs: pd.DataFrame | None
    engine: Engine

    def quarantine(self) -> Iterator[pd.DataFrame]:
        """Yield the raw rows that were set aside with their reasons, part by part; one part at least."""
        rows = self.reasons.index.to_numpy(dtype=np.int64)
        for source in self.raw.at(rows, self.engine.rows):
            aside = set_aside(source, self.reasons.loc[source.index], self.dataset, self.repairs)
            yield aside.reset_index(drop=True)

    def valid(self) -> "Iterator[pa.Table]":
        """Yield the typed rows that keep every rule in the order of time, part by part; one part at least."""
        like = self.typed.without_rows(self.reasons.index.to_numpy())
        places = (self.order[span] for span in spans(len(self.order), self.engine.rows))
        return self.engine.map(partial(self.typed.gather, like=like), places)


def validate_table(
    raw: Table, dataset: Dataset, repairs: pd.DataFrame | None, *, engine: Engine, spool: Spool
) -> ValidatedTable:
    """Return what `validate` would of all rows of `raw`, the rows themselves still on disk. Raises MissingColumn."""
    step = partial(_judge_part, raw=raw, dataset=dataset, repairs=repairs, spool=spool, size=engine.rows)
    judged = list(engine.map(step, spans(len(raw), engine.rows)))
    typed = TypedParts(spool, engine.rows, len(judged) if len(raw) else 0, dataset.columns)
    faults = find_faults(judged, dataset, typed.look)
    reasons, times = join_reasons(faults), read_times(judged)
    order = sort_valid(times, reasons.index.to_numpy())
    newest = pd.Timestamp(times[order[-1]]) if len(order) else pd.NaT
    report = count(faults, len(raw), len(reasons), raw.columns, dataset)
    return ValidatedTable(raw, typed, reasons, order, newest, report, dataset, repairs, engine)


@dataclass(frozen=True)
class TypedParts:
    """The typed rows of a table in a spool, `size` rows a part."""

    spool: Spool
    size: int
    count: int
    columns: dict[str, Column]

    def look(self, rows: np.ndarray, names: list[str]) -> pd.DataFrame:
        """Return columns of the rows at ascending positions."""
        found = [self.spool.read(part, names).take(places).to_pandas() for part, places in self._split(rows)]
        texts = {name: "object" for name in names if isinstance(found[0][name].dtype, pd.CategoricalDtype)}
        return pd.concat([each.astype(texts) for each in found], ignore_index=True)

    def gather(self, rows: np.ndarray, like: "pa.Table") -> "pa.Table":
        """Return the rows at positions in any order, with the types and categories of `like`."""
        import pyarrow as pa

        # What earlier parts left behind in a worker.
        pa.default_memory_pool().release_unused()
        ascending = np.sort(rows)
        found = [_recode(self.spool.read(part).take(places), like) for part, places in self._split(ascending)]
        whole = pa.concat_tables(found) if found else like
        return whole if (rows == ascending).all() else whole.take(pa.array(np.searchsorted(ascending, rows)))

    def without_rows(self, bad: np.ndarray) -> "pa.Table":
        """Return a table without rows that has the types of those that are not bad: each category is one of theirs."""
        import pyarrow as pa

        empty = parse(pd.DataFrame(columns=list(self.columns), dtype=object), self.columns)
        names = list(empty.select_dtypes("category"))
        used: dict[str, set[str]] = {name: set() for name in names}
        aside = dict(self._split(bad))
        for part in range(self.count) if names else ():
            table = self.spool.read(part, names)
            rows = np.delete(np.arange(len(table)), aside[part]) if part in aside else None
            for name in names:
                used[name] |= _values(table[name].combine_chunks(), rows)
        kinds = {name: pd.CategoricalDtype(sorted(values)) for name, values in used.items()}
        return pa.Table.from_pandas(empty.astype(kinds), preserve_index=False)

    def _split(self, rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        for part in np.unique(rows // self.size):
            start = part * self.size
            here = rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + self.size)]
            yield int(part), here - start


def _judge_part(
    span: slice, *, raw: Table, dataset: Dataset, repairs: pd.DataFrame | None, spool: Spool, size: int
) -> Judged:
    import pyarrow as pa

    typed, judged = judge(apply_repairs(raw[span], repairs, dataset), dataset)
    spool.write(span.start // size, pa.Table.from_pandas(typed, preserve_index=False))
    return judged


def _values(texts: "pa.DictionaryArray", rows: np.ndarray | None) -> set[str]:
    codes = (texts.indices if rows is None else texts.indices.take(rows)).unique().drop_null()
    return set(texts.dictionary.take(codes).to_pylist())


def _recode(table: "pa.Table", like: "pa.Table") -> "pa.Table":
    """Return the table with the categories of `like`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for at, field in enumerate(like.schema):
        if pa.types.is_dictionary(field.type):
            had, wanted = table.column(at).combine_chunks(), like.column(at).combine_chunks().dictionary
            if len(had.dictionary) and len(wanted):
                codes = pc.index_in(had.dictionary, value_set=wanted).take(had.indices)
            else:
                codes = pa.nulls(len(had), pa.int32())
            values = pa.DictionaryArray.from_arrays(codes.cast(field.type.index_type), wanted)
            table = table.set_column(at, field, values)
    return table.replace_schema_metadata(like.schema.metadata)
