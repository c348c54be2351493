"""Formats: files of rows as frames, whole or some rows at a time."""

from collections.abc import Iterator
from typing import IO

import pandas as pd

from keepfit.tables import regroup


class MixedColumns(Exception):
    """Columns had one type in some parts of a file and another in others: texts, had it been read at once."""

    def __init__(self, columns: set[str]) -> None:
        super().__init__(columns)
        self.columns = columns


def read_csv(stream: IO[bytes], rows: int | None, *, exact: bool, texts: set[str]) -> Iterator[pd.DataFrame]:
    """Yield the rows of a CSV with the types that they have in the whole; the columns `texts` as they are written.

    Raises MixedColumns after the last part where other columns ought to be among them.
    """
    # The default parser is off by the last digit of many numbers; a request is not.
    options = {"float_precision": "round_trip", "low_memory": False} if exact else {}
    if rows is None:
        yield pd.read_csv(stream, **options)
        return
    kinds: dict[str, set[str]] = {}
    with pd.read_csv(stream, **options, dtype=dict.fromkeys(texts, "str"), chunksize=rows) as parts:
        for part in parts:
            for name in part:
                kinds.setdefault(name, set()).add(_kind(part[name]))
            yield part
    # Whole numbers among others are numbers; what else differs is text, as it is written.
    if mixed := {name for name, found in kinds.items() if len(found - {"missing"}) > 1} - texts:
        raise MixedColumns(mixed)


def read_parquet(stream: IO[bytes], rows: int | None) -> Iterator[pd.DataFrame]:
    """Yield the rows of a Parquet file; the categories of each part are those of the whole."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if rows is None:
        yield pd.read_parquet(stream)
        return
    with pq.ParquetFile(stream) as file:
        named = [field.name for field in file.schema_arrow if pa.types.is_dictionary(field.type)]
        kinds = dict(file.read(named).to_pandas(ignore_metadata=True).dtypes) if named else {}
        groups = (
            pa.Table.from_batches([batch])
            for group in range(file.num_row_groups)
            for batch in file.iter_batches(rows, row_groups=[group])
        )
        empty = True
        for table in regroup(groups, rows):
            empty = False
            yield table.to_pandas().astype(kinds)
        if empty:
            yield file.read().to_pandas()


def read_jsonl(stream: IO[bytes], _: int | None) -> Iterator[pd.DataFrame]:
    """Yield the rows of a file of JSON lines, whole: a part of it could take texts for numbers that others are not."""
    yield pd.read_json(stream, lines=True, convert_dates=False)


def _kind(values: pd.Series) -> str:
    if values.isna().all():
        return "missing"
    if values.dtype == object:
        return str(pd.api.types.infer_dtype(values, skipna=True))
    return "boolean" if pd.api.types.is_bool_dtype(values) else "number"
