"""Tables: Parquet files that are written and read some rows at a time, and are the same however they were cut.

A file is written in row groups of GROUP rows, so that its bytes do not tell in which parts its rows came, and a
range of its rows has the types that a reading of all of it would have.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from keepfit.files import GROUP, replacing

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq


def write_parts(path: Path, parts: "Iterable[pd.DataFrame | pa.Table]", *, group: int = GROUP) -> int:
    """Write parts of one table as Parquet, with the bytes of the whole written at once; return the number of rows.

    The file is whole or not there. Every part must have the columns, types and categories of the first. Raises
    ValueError where one differs, or none comes.
    """
    with replacing(path) as partial:
        return pour_parts(partial, parts, group=group)


def pour_parts(path: Path, parts: "Iterable[pd.DataFrame | pa.Table]", *, group: int = GROUP) -> int:
    """Do what `write_parts` does, to a name that `replacing` gave."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = map(_as_arrow, parts)
    first = next(tables, None)
    if first is None:
        raise ValueError(f"{path}: no part came; allowed: one without rows at least")
    count = 0
    with pq.ParquetWriter(path, first.schema, compression="snappy") as writer:
        for each in regroup(_alike(first, tables), group):
            writer.write_table(each, row_group_size=group)
            count += each.num_rows
            # Arrow's allocator would keep what parts leave behind: 50 MB of each.
            pa.default_memory_pool().release_unused()
        if not count:
            writer.write_table(first.slice(0, 0))
    return count


def regroup(tables: "Iterable[pa.Table]", size: int) -> "Iterator[pa.Table]":
    """Yield the rows of Arrow tables again as tables of `size` rows in one piece, the last one shorter."""
    import pyarrow as pa

    waiting: list[pa.Table] = []
    count = 0
    for table in tables:
        waiting.append(table)
        count += table.num_rows
        while count >= size:
            joined = pa.concat_tables(waiting)
            yield joined.slice(0, size).combine_chunks()
            # An empty rest would keep the whole in memory.
            waiting, count = [joined.slice(size)] if count > size else [], count - size
    if count:
        yield pa.concat_tables(waiting).combine_chunks()


@dataclass(frozen=True)
class Table:
    """A Parquet file as rows: `len(table)`, and `table[start:stop]` as a frame that is numbered as in the file."""

    path: Path

    def __len__(self) -> int:
        return int(self._metadata.num_rows)

    def __getitem__(self, rows: slice) -> "pd.DataFrame":
        start, stop, _ = rows.indices(len(self))
        return self.read(start, stop)

    def __getstate__(self) -> dict[str, Path]:
        return {"path": self.path}

    def __setstate__(self, state: dict[str, Path]) -> None:
        vars(self).update(state)

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in the order of the file."""
        return list(self._metadata.schema.to_arrow_schema().names)

    def read(self, start: int, stop: int, columns: list[str] | None = None) -> "pd.DataFrame":
        """Return the rows from `start` up to `stop`, or some of their columns, with the types that the whole has."""
        import pandas as pd

        start, stop = max(start, 0), min(max(start, stop), len(self))
        frame = self._settle(self.read_arrow(start, stop, columns).to_pandas())
        frame.index = pd.RangeIndex(start, start + len(frame))
        return frame

    def read_arrow(self, start: int, stop: int, columns: list[str] | None = None) -> "pa.Table":
        """Return the rows from `start` up to `stop` as Arrow has them; only their row groups are read."""
        import pyarrow.parquet as pq

        bounds = self._bounds
        groups = [each for each in range(len(bounds) - 1) if bounds[each] < stop and start < bounds[each + 1]]
        # Without a row there are the categories still.
        groups = groups or [0] * (len(bounds) > 1)
        with pq.ParquetFile(self.path) as file:
            found = file.read_row_groups(groups, columns=columns)
        found = found if columns is None else found.select(columns)
        return found.slice(start - bounds[groups[0]] if stop > start else 0, max(stop - start, 0)) if groups else found

    def parts(
        self, size: int, *, before: int = 0, after: int = 0, columns: list[str] | None = None
    ) -> "Iterator[tuple[slice, pd.DataFrame]]":
        """Yield the positions of each `size` rows, and these rows with up to so many before and after them."""
        for span in spans(len(self), size):
            yield span, self.read(span.start - before, span.stop + after, columns)

    def at(self, positions: "np.ndarray", size: int, columns: list[str] | None = None) -> "Iterator[pd.DataFrame]":
        """Yield the rows at ascending positions, up to `size` of them at a time, numbered as in the file."""
        for span in spans(len(positions), size):
            yield self.pick(positions[span], columns)

    def pick(self, positions: "np.ndarray", columns: list[str] | None = None) -> "pd.DataFrame":
        """Return the rows at ascending positions, numbered as in the file; only their row groups are read."""
        import numpy as np
        import pandas as pd
        import pyarrow as pa

        bounds = self._bounds
        groups = np.unique(np.searchsorted(bounds, positions, side="right") - 1)
        found = []
        for group in groups:
            start, stop = bounds[group], bounds[group + 1]
            here = positions[np.searchsorted(positions, start) : np.searchsorted(positions, stop)]
            found.append(self.read_arrow(start, stop, columns).take(pa.array(here - start)))
        whole = pa.concat_tables(found) if found else self.read_arrow(0, 0, columns)
        frame = self._settle(whole.to_pandas())
        frame.index = pd.Index(positions)
        return frame

    def newer_than(self, column: str, moment: "pd.Timestamp") -> "np.ndarray":
        """Return the positions of the rows whose time in `column` is after `moment`, ascending."""
        import numpy as np

        found = [
            times.index.to_numpy()[(times[column] > moment).to_numpy()]
            for _, times in self.parts(GROUP, columns=[column])
        ]
        return np.concatenate(found) if found else np.empty(0, dtype=np.int64)

    @cached_property
    def _metadata(self) -> "pq.FileMetaData":
        import pyarrow.parquet as pq

        return pq.read_metadata(self.path)

    @cached_property
    def _bounds(self) -> list[int]:
        """The position of each row group's first row, and the number of rows."""
        bounds = [0]
        for group in range(self._metadata.num_row_groups):
            bounds.append(bounds[-1] + self._metadata.row_group(group).num_rows)
        return bounds

    @cached_property
    def _with_nulls(self) -> dict[str, str]:
        """The types of columns that pandas would not take for whole numbers or truths, for a null somewhere."""
        import pyarrow.types as types

        schema = self._metadata.schema.to_arrow_schema()
        kinds = {field.name: "float64" for field in schema if types.is_integer(field.type)}
        kinds |= {field.name: "object" for field in schema if types.is_boolean(field.type)}
        return {name: kind for name, kind in kinds.items() if self._has_null(name)}

    def _has_null(self, name: str) -> bool:
        for number in range(self._metadata.num_row_groups):
            group = self._metadata.row_group(number)
            column = next(
                found for at in range(group.num_columns) if (found := group.column(at)).path_in_schema == name
            )
            if column.statistics is None or not column.statistics.has_null_count:
                return self.read_arrow(0, len(self), [name])[name].null_count > 0
            if column.statistics.null_count:
                return True
        return False

    def _settle(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        # A part without the nulls that are elsewhere would have a type of its own.
        kinds = {name: kind for name, kind in self._with_nulls.items() if name in frame and frame[name].dtype != kind}
        return frame.astype(kinds) if kinds else frame


def spans(rows: int, size: int) -> Iterator[slice]:
    """Yield the slices that cut a table into parts of `size` rows, the last one shorter; one that is empty for none."""
    yield from (slice(start, min(start + size, rows)) for start in range(0, max(rows, 1), size))


def _as_arrow(part: "pd.DataFrame | pa.Table") -> "pa.Table":
    import pyarrow as pa

    return part if isinstance(part, pa.Table) else pa.Table.from_pandas(part, preserve_index=False)


def _alike(first: "pa.Table", others: "Iterator[pa.Table]") -> "Iterator[pa.Table]":
    yield first
    for other in others:
        if not other.schema.equals(first.schema, check_metadata=True):
            raise ValueError(f"a part has the columns {other.schema}; allowed: those of the first: {first.schema}")
        yield other
