"""Sources: where a dataset's rows come from, whole or part by part, before anything is cut or checked."""

import importlib
import os
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from keepfit.columns import join
from keepfit.dataset import FileSource, PythonSource, SqlSource
from keepfit.errors import SourceError
from keepfit.formats import MixedColumns, read_csv, read_jsonl, read_parquet

Source = PythonSource | FileSource | SqlSource
READERS: dict[str, Any] = {"csv": read_csv, "parquet": read_parquet, "jsonl": read_jsonl}
FORMATS = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}
# The columns of each file whose values are of several types, and so texts.
Texts = dict[str, set[str]]


class MixedFiles(Exception):
    """Columns of files have several types, which only their ends told: by file."""

    def __init__(self, texts: Texts) -> None:
        super().__init__(texts)
        self.texts = texts


def read_source(source: Source, *, exact: bool = True) -> pd.DataFrame:
    """Return every row of the source, a named index as columns, numbered where asked; raise SourceError.

    Where `exact` is false a number may differ in its last digit from the one written, and is read faster.
    """
    parts = list(read_parts(source, rows=None, exact=exact))
    return parts[0] if len(parts) == 1 else join(parts)


def read_parts(
    source: Source, *, rows: int | None, exact: bool = True, texts: Texts | None = None
) -> Iterator[pd.DataFrame]:
    """Yield the source's rows in their order, up to `rows` at a time where it can be read so; one frame at least.

    Raises SourceError, and MixedFiles at the end where columns of a file had one type in some of its parts and
    another in others: to be read again with what it carries as `texts`.
    """
    match source:
        case PythonSource():
            frames = _call(source.callable)
        case FileSource():
            frames = _read_files(source, rows, exact=exact, texts=texts or {})
        case SqlSource():
            frames = _query(source, rows)
    count = 0
    for frame in frames:
        yield _arrange(frame, source.row_number, count)
        count += len(frame)


def _arrange(frame: pd.DataFrame, row_number: str | None, start: int) -> pd.DataFrame:
    named = [name for name in frame.index.names if name is not None]
    names = pd.Index([*named, *frame.columns]).map(str)
    if names.has_duplicates:
        repeated = ", ".join(names[names.duplicated()].unique())
        raise SourceError(f"dataset.source: more than one column {repeated}; allowed: names that differ")
    if row_number is None:
        return frame.reset_index(drop=not named)
    if row_number in names:
        raise SourceError(f"dataset.source.row_number: the table has a column {row_number!r} already")
    return frame.reset_index(drop=not named).assign(**{row_number: range(start, start + len(frame))})


def _call(path: str) -> Iterator[pd.DataFrame]:
    module, _, name = path.partition(":")
    try:
        given = getattr(importlib.import_module(module), name)()
        for frame in given if isinstance(given, Iterator) else [given]:
            if not isinstance(frame, pd.DataFrame):
                raise SourceError(
                    f"dataset.source.callable: {path!r} gave {type(frame)}; allowed: a DataFrame or an iterator of them"
                )
            yield frame
    except SourceError:
        raise
    except Exception as error:
        cause = " ".join(f"{type(error).__name__}: {error}".split())
        raise SourceError(f"dataset.source.callable: {path!r} failed: {cause}") from error


def _read_files(source: FileSource, rows: int | None, *, exact: bool, texts: Texts) -> Iterator[pd.DataFrame]:
    import fsspec

    mixed: Texts = {}
    try:
        files = sorted(fsspec.open_files(source.path, "rb"), key=lambda file: file.path)
        if not files:
            raise SourceError(f"dataset.source.path: {source.path!r}: no such file")
        for file in files:
            try:
                yield from _read_file(file, source.format, rows, exact=exact, texts=texts.get(file.path, set()))
            except MixedColumns as found:
                mixed[file.path] = found.columns
    except (OSError, ValueError, ImportError) as error:
        raise SourceError(f"dataset.source.path: {source.path!r}: {' '.join(str(error).split())}") from error
    if mixed:
        raise MixedFiles(mixed)


def _read_file(
    file: Any, declared: str | None, rows: int | None, *, exact: bool, texts: set[str]
) -> Iterator[pd.DataFrame]:
    kind = declared or FORMATS.get(PurePosixPath(file.path).suffix)
    if kind is None:
        raise SourceError(
            f"dataset.source.path: {file.path!r}: format unknown; "
            f"set dataset.source.format to one of {', '.join(READERS)}"
        )
    with file as stream:
        if kind == "csv":
            yield from read_csv(stream, rows, exact=exact, texts=texts)
        else:
            yield from READERS[kind](stream, rows)


def _query(source: SqlSource, rows: int | None) -> Iterator[pd.DataFrame]:
    import sqlalchemy

    url = os.environ.get(source.url_variable)
    if not url:
        raise SourceError(f"dataset.source.url_variable: {source.url_variable!r} is not set in the environment")
    try:
        engine = sqlalchemy.create_engine(url)
        with engine.connect() as connection:
            query = sqlalchemy.text(source.query)
            if rows is None:
                yield pd.read_sql(query, connection)
            else:
                # Else a driver would fetch all rows before it gives the first.
                streaming = connection.execution_options(stream_results=True, max_row_buffer=rows)
                yield from pd.read_sql(query, streaming, chunksize=rows)
    except (sqlalchemy.exc.SQLAlchemyError, ImportError, ValueError) as error:
        # The URL holds a password: the message names the variable and the kind of error alone.
        cause = getattr(error, "orig", None) or type(error).__name__
        raise SourceError(f"dataset.source: query on ${source.url_variable} failed: {cause}") from None
