"""Sources: where a dataset's rows come from, whole, before anything is cut or checked."""

import importlib
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import PurePosixPath

import pandas as pd

from keepfit.dataset import FileSource, PythonSource, SqlSource
from keepfit.errors import SourceError

Reader = Callable[..., pd.DataFrame]
READERS: dict[str, Reader] = {
    # The default parser is off by the last digit of many numbers; a request is not.
    "csv": partial(pd.read_csv, float_precision="round_trip"),
    "parquet": pd.read_parquet,
    "jsonl": lambda file: pd.read_json(file, lines=True, convert_dates=False),
}
FORMATS = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def read_source(source: PythonSource | FileSource | SqlSource, *, exact: bool = True) -> pd.DataFrame:
    """Return every row of the source, a named index as columns, numbered where asked; raise SourceError.

    Where `exact` is false a number may differ in its last digit from the one written, and is read faster.
    """
    match source:
        case PythonSource():
            frame = _call(source.callable)
        case FileSource():
            frame = _read_files(source, READERS if exact else READERS | {"csv": pd.read_csv})
        case SqlSource():
            frame = _query(source)
    named = [name for name in frame.index.names if name is not None]
    names = pd.Index([*named, *frame.columns]).map(str)
    if names.has_duplicates:
        repeated = ", ".join(names[names.duplicated()].unique())
        raise SourceError(f"dataset.source: more than one column {repeated}; allowed: names that differ")
    if source.row_number is None:
        return frame.reset_index(drop=not named)
    if source.row_number in names:
        raise SourceError(f"dataset.source.row_number: the table has a column {source.row_number!r} already")
    return frame.reset_index(drop=not named).assign(**{source.row_number: range(len(frame))})


def _call(path: str) -> pd.DataFrame:
    module, _, name = path.partition(":")
    try:
        frame = getattr(importlib.import_module(module), name)()
    except Exception as error:
        cause = " ".join(f"{type(error).__name__}: {error}".split())
        raise SourceError(f"dataset.source.callable: {path!r} failed: {cause}") from error
    if not isinstance(frame, pd.DataFrame):
        raise SourceError(f"dataset.source.callable: {path!r} gave {type(frame)}; allowed: a DataFrame")
    return frame


def _read_files(source: FileSource, readers: Mapping[str, Reader]) -> pd.DataFrame:
    import fsspec

    try:
        files = sorted(fsspec.open_files(source.path, "rb"), key=lambda file: file.path)
        if not files:
            raise SourceError(f"dataset.source.path: {source.path!r}: no such file")
        frames = [_read_file(file, source.format, readers) for file in files]
    except (OSError, ValueError, ImportError) as error:
        raise SourceError(f"dataset.source.path: {source.path!r}: {' '.join(str(error).split())}") from error
    return pd.concat(frames, ignore_index=True)


def _read_file(file, declared: str | None, readers: Mapping[str, Reader]) -> pd.DataFrame:
    kind = declared or FORMATS.get(PurePosixPath(file.path).suffix)
    if kind is None:
        raise SourceError(
            f"dataset.source.path: {file.path!r}: format unknown; "
            f"set dataset.source.format to one of {', '.join(READERS)}"
        )
    with file as stream:
        return readers[kind](stream)


def _query(source: SqlSource) -> pd.DataFrame:
    import sqlalchemy

    url = os.environ.get(source.url_variable)
    if not url:
        raise SourceError(f"dataset.source.url_variable: {source.url_variable!r} is not set in the environment")
    try:
        engine = sqlalchemy.create_engine(url)
        with engine.connect() as connection:
            return pd.read_sql(sqlalchemy.text(source.query), connection)
    except (sqlalchemy.exc.SQLAlchemyError, ImportError, ValueError) as error:
        # The URL holds a password: the message names the variable and the kind of error alone.
        cause = getattr(error, "orig", None) or type(error).__name__
        raise SourceError(f"dataset.source: query on ${source.url_variable} failed: {cause}") from None
