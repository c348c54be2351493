"""Formats: files of rows as frames, whole or some rows at a time; the columns `categories` as texts, as written."""

import json
from collections.abc import Collection, Iterable, Iterator
from typing import IO, TYPE_CHECKING, Any

import pandas as pd

from keepfit.cells import MISSING
from keepfit.tables import regroup
from keepfit.times import as_text

if TYPE_CHECKING:
    import pyarrow as pa


class MixedColumns(Exception):
    """Columns had one type in some parts of a file and another in others: texts, had it been read at once."""

    def __init__(self, columns: set[str]) -> None:
        super().__init__(columns)
        self.columns = columns


def read_header(stream: IO[bytes]) -> list[str]:
    """Return the names of a CSV's columns."""
    return list(pd.read_csv(stream, nrows=0))


def tell_texts(names: Iterable[str], categories: Collection[str]) -> dict[str, Any]:
    """Return pandas' options for a CSV with these columns: in a category, only an empty cell is a missing value."""
    texts = {name: "str" for name in names if name in categories}
    if not texts:
        return {"dtype": {}}
    words = {name: [""] if name in texts else list(MISSING) for name in names}
    return {"dtype": texts, "na_values": words, "keep_default_na": False}


def read_csv(
    stream: IO[bytes], rows: int | None, *, header: list[str], exact: bool, texts: set[str], categories: Collection[str]
) -> Iterator[pd.DataFrame]:
    """Yield the rows of a CSV with the types that they have in the whole; the columns `texts` as they are written.

    Raises MixedColumns after the last part where other columns ought to be among them.
    """
    options = tell_texts(header, categories)
    options["dtype"] |= dict.fromkeys(texts, "str")
    # The default parser is off by the last digit of many numbers; a request is not.
    options |= {"float_precision": "round_trip", "low_memory": False} if exact else {}
    if rows is None:
        yield pd.read_csv(stream, **options)
        return
    kinds: dict[str, set[str]] = {}
    with pd.read_csv(stream, **options, chunksize=rows) as parts:
        for part in parts:
            for name in part:
                kinds.setdefault(name, set()).add(_kind(part[name]))
            yield part
    # Whole numbers among others are numbers; what else differs is text, as it is written.
    if mixed := {name for name, found in kinds.items() if len(found - {"missing"}) > 1} - set(options["dtype"]):
        raise MixedColumns(mixed)


def read_parquet(stream: IO[bytes], rows: int | None, *, categories: Collection[str]) -> Iterator[pd.DataFrame]:
    """Yield the rows of a Parquet file; the categories of each part are those of the whole."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if rows is None:
        table = pq.read_table(stream)
        yield _write_out(table.to_pandas(), table, categories)
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
            yield _write_out(table.to_pandas().astype(kinds), table, categories)
        if empty:
            table = file.read()
            yield _write_out(table.to_pandas(), table, categories)


def spell_numbers(table: "pa.Table", categories: Collection[str]) -> "pa.Table":
    """Return the table with whole numbers in `categories` as texts: beside a gap pandas would round them to floats."""
    import pyarrow as pa

    for at, field in enumerate(table.schema):
        if field.name in categories and pa.types.is_integer(field.type):
            table = table.set_column(at, field.name, table.column(at).cast(pa.string()))
    return table


def _write_out(frame: pd.DataFrame, table: "pa.Table", categories: Collection[str]) -> pd.DataFrame:
    names = [name for name in categories if name in frame and name in table.column_names]
    texts = spell_numbers(table.select(names).replace_schema_metadata(), names)
    changed = [name for name in names if texts.schema.field(name).type != table.schema.field(name).type]
    return frame.assign(**{name: texts[name].to_pandas().to_numpy() for name in changed})


def read_jsonl(stream: IO[bytes], _: int | None, *, categories: Collection[str]) -> Iterator[pd.DataFrame]:
    """Yield the rows of a file of JSON lines, whole: a part of it could take for numbers what others do not."""
    rows = [json.loads(line) for line in stream if line.strip()]
    if wrong := next((row for row in rows if not isinstance(row, dict)), None):
        raise ValueError(f"{str(wrong)[:50]!r} in a line; allowed: an object")
    frame = pd.DataFrame(rows)
    yield keep_texts(frame, {name: [row.get(name) for row in rows] for name in categories if name in frame})


def keep_texts(frame: pd.DataFrame, values: dict[str, list[Any]]) -> pd.DataFrame:
    """Return the frame with columns of texts of these values, of which pandas may have made floats."""
    texts = {name: pd.Series(each, dtype="object") for name, each in values.items()}
    return frame.assign(**{name: each.map(as_text, na_action="ignore") for name, each in texts.items()})


def _kind(values: pd.Series) -> str:
    if values.isna().all():
        return "missing"
    if values.dtype == object:
        return str(pd.api.types.infer_dtype(values, skipna=True))
    return "boolean" if pd.api.types.is_bool_dtype(values) else "number"
