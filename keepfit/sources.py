"""Sources: where a dataset's rows come from, whole or part by part, before anything is cut or checked."""

import importlib
import os
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from keepfit.columns import join
from keepfit.dataset import FileSource, PythonSource, SqlSource
from keepfit.errors import SourceError
from keepfit.formats import MixedColumns, keep_texts, read_csv, read_header, read_jsonl, read_parquet

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


def read_source(source: Source, *, exact: bool = True, categories: Collection[str] = ()) -> pd.DataFrame:
    """Return every row of the source, a named index as columns, numbered where asked; raise SourceError.

    The columns `categories` are texts, as they are written. Where `exact` is false a number may differ in its last
    digit from the one written, and is read faster.
    """
    parts = list(read_parts(source, rows=None, exact=exact, categories=categories))
    return parts[0] if len(parts) == 1 else join(parts)


def read_parts(
    source: Source,
    *,
    rows: int | None,
    exact: bool = True,
    texts: Texts | None = None,
    categories: Collection[str] = (),
) -> Iterator[pd.DataFrame]:
    """Yield the source's rows in their order, up to `rows` at a time where it can be read so; one frame at least.

    Raises SourceError, and MixedFiles at the end where columns of a file had one type in some of its parts and
    another in others: to be read again with what it carries as `texts`.
    """
    match source:
        case PythonSource():
            frames = _call(source.callable)
        case FileSource():
            frames = _read_files(source, rows, exact=exact, texts=texts or {}, categories=categories)
        case SqlSource():
            frames = _query(source, rows, categories)
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


def _read_files(
    source: FileSource, rows: int | None, *, exact: bool, texts: Texts, categories: Collection[str]
) -> Iterator[pd.DataFrame]:
    mixed: Texts = {}
    try:
        for file, kind in open_files(source):
            try:
                mine = texts.get(file.path, set())
                yield from _read_file(file, kind, rows, exact=exact, texts=mine, categories=categories)
            except MixedColumns as found:
                mixed[file.path] = found.columns
    except (OSError, ValueError, ImportError) as error:
        raise SourceError(f"dataset.source.path: {source.path!r}: {' '.join(str(error).split())}") from error
    if mixed:
        raise MixedFiles(mixed)


def open_files(source: FileSource) -> Iterator[tuple[Any, str]]:
    """Yield the files of a source, to be opened by `with`, and their formats; raise SourceError."""
    import fsspec

    files = sorted(fsspec.open_files(source.path, "rb"), key=lambda file: file.path)
    if not files:
        raise SourceError(f"dataset.source.path: {source.path!r}: no such file")
    for file in files:
        kind = source.format or FORMATS.get(PurePosixPath(file.path).suffix)
        if kind is None:
            raise SourceError(
                f"dataset.source.path: {file.path!r}: format unknown; "
                f"set dataset.source.format to one of {', '.join(READERS)}"
            )
        yield file, kind


def _read_file(
    file: Any, kind: str, rows: int | None, *, exact: bool, texts: set[str], categories: Collection[str]
) -> Iterator[pd.DataFrame]:
    options: dict[str, Any] = {"categories": categories}
    if kind == "csv":
        # Opened once more, since not every file can be read from its beginning again.
        with file as stream:
            options |= {"exact": exact, "texts": texts, "header": read_header(stream)}
    with file as stream:
        yield from READERS[kind](stream, rows, **options)


def _query(source: SqlSource, rows: int | None, categories: Collection[str]) -> Iterator[pd.DataFrame]:
    import sqlalchemy

    url = os.environ.get(source.url_variable)
    if not url:
        raise SourceError(f"dataset.source.url_variable: {source.url_variable!r} is not set in the environment")
    try:
        engine = sqlalchemy.create_engine(url)
        with engine.connect() as connection:
            query = sqlalchemy.text(source.query)
            # Else a driver would fetch all rows before it gives the first.
            streamed = {} if rows is None else {"stream_results": True, "max_row_buffer": rows}
            found = connection.execution_options(**streamed).execute(query)
            names = list(found.keys())
            parts = [found.all()] if rows is None else chain([found.fetchmany(rows)], found.partitions(rows))
            for number, part in enumerate(parts):
                if part or not number:
                    yield _tabulate(part, names, categories)
    except (sqlalchemy.exc.SQLAlchemyError, ImportError, ValueError) as error:
        # The URL holds a password: the message names the variable and the kind of error alone.
        cause = getattr(error, "orig", None) or type(error).__name__
        raise SourceError(f"dataset.source: query on ${source.url_variable} failed: {cause}") from None


def _tabulate(rows: Sequence[Any], names: list[str], categories: Collection[str]) -> pd.DataFrame:
    frame = pd.DataFrame.from_records([tuple(row) for row in rows], columns=names, coerce_float=True)
    values = {name: [row[at] for row in rows] for at, name in enumerate(names) if name in categories}
    return keep_texts(frame, values)
