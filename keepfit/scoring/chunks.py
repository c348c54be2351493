"""Chunks: the rows of CSV and Parquet files, some at a time, cut alike in every run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from glob import glob, has_magic
from itertools import islice
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from keepfit.errors import SourceError

if TYPE_CHECKING:
    import pandas as pd

    from keepfit.passport import Request

KINDS: dict[str, Literal["csv", "parquet"]] = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}


@dataclass(frozen=True)
class Chunk:
    """Raw rows of one file, and the number in it of the first, from 0."""

    file: Path
    first: int
    rows: "pd.DataFrame"


def find_files(patterns: list[str]) -> list[Path]:
    """Return the files of paths and globs, in the order of their names within each; raise SourceError."""
    files = [file for each in patterns for file in _matching(each)]
    missing = [str(file) for file in files if not file.is_file()]
    if not files or missing:
        raise SourceError(f"{', '.join(missing or patterns)}: no such file")
    for file in files:
        kind_of(file)
    return files


def _matching(pattern: str) -> list[Path]:
    if not has_magic(pattern) or Path(pattern).is_file():
        return [Path(pattern)]
    return sorted(map(Path, glob(pattern, recursive=True)))  # noqa: PTH207 - absolute patterns, too


def kind_of(path: Path) -> Literal["csv", "parquet"]:
    """Return the format that a name stands for; raise SourceError."""
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise SourceError(f"{path}: format {path.suffix!r}; allowed: {', '.join(KINDS)}")
    return kind


def count_rows(file: Path) -> int:
    """Return how many rows a file has, of a CSV about how many."""
    if kind_of(file) == "parquet":
        import pyarrow.parquet as pq

        return int(pq.read_metadata(file).num_rows)
    with file.open("rb") as stream:
        head = stream.read(1 << 20)
    return round(file.stat().st_size * head.count(b"\n") / max(len(head), 1))


def read_chunks(file: Path, request: "Request", also: tuple[str, ...], *, size: int, skip: int) -> Iterator[Chunk]:
    """Yield the columns that a request needs, and `also`, in chunks of `size` rows after `skip` whole chunks.

    Raises SourceError.
    """
    names = [*dict.fromkeys([*request.columns, *also])]
    texts = [name for name in names if name not in request.columns or request.columns[name].type == "category"]
    read = _read_parquet if kind_of(file) == "parquet" else _read_csv
    try:
        for number, rows in enumerate(read(file, names, texts, size, skip), skip):
            yield Chunk(file, number * size, rows.reset_index(drop=True))
    except (OSError, ValueError) as error:
        raise SourceError(f"{file}: {' '.join(str(error).split())[:300]}") from error


def _read_csv(file: Path, names: list[str], texts: list[str], size: int, skip: int) -> Iterator["pd.DataFrame"]:
    import pandas as pd

    from keepfit.formats import tell_texts

    by_line = skip > 0 and _has_a_row_on_each_line(file)
    try:
        with pd.read_csv(
            file,
            usecols=names,
            # A category is text in every chunk, whatever its neighbours are.
            **tell_texts(names, texts),
            chunksize=size,
            skiprows=range(1, skip * size + 1) if by_line else None,
            float_precision="round_trip",
            low_memory=False,
        ) as reader:
            yield from islice(reader, 0 if by_line else skip, None)
    except pd.errors.EmptyDataError:
        return


def _has_a_row_on_each_line(file: Path) -> bool:
    # pandas skips lines, and a blank one is no row. Where there may be one, in quotes perhaps, rows are read to be
    # skipped, which takes three times as long.
    with file.open("rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as text:
        return not (text[:1].isspace() or re.search(rb"\n\s", text) or re.search(rb"\r(?!\n)", text))


def _read_parquet(file: Path, names: list[str], texts: list[str], size: int, skip: int) -> Iterator["pd.DataFrame"]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as source:
        if missing := [name for name in names if name not in source.schema_arrow.names]:
            raise SourceError(f"{file}: missing column{'s' if len(missing) > 1 else ''} {', '.join(missing)}")
        written = [name for name in texts if _is_written(source.schema_arrow.field(name).type)]
        groups, start = _groups_from(source, skip * size)
        waiting: list[pa.RecordBatch] = []
        count = 0
        for batch in _batches(source, size, groups, names):
            if start:
                batch, start = batch[start:], max(start - batch.num_rows, 0)
            waiting.append(batch)
            count += batch.num_rows
            while count >= size:
                table = pa.Table.from_batches(waiting)
                yield _as_rows(table[:size], texts, written)
                rest = table[size:]
                waiting, count = rest.to_batches(), rest.num_rows
        if count:
            yield _as_rows(pa.Table.from_batches(waiting), texts, written)


def _as_rows(table, texts: list[str], written: list[str]) -> "pd.DataFrame":
    from keepfit.formats import spell_numbers

    return spell_numbers(table, texts).replace_schema_metadata().to_pandas(categories=written, split_blocks=True)


def _batches(source, size: int, groups: list[int], names: list[str]):
    # One group at a time: a reader of several keeps what it has read of them.
    for group in groups:
        yield from source.iter_batches(size, row_groups=[group], columns=names)


def _groups_from(source, row: int) -> tuple[list[int], int]:
    # Groups that end before the row need not be read.
    first = 0
    while first < source.num_row_groups and row >= (rows := source.metadata.row_group(first).num_rows):
        first, row = first + 1, row - rows
    return list(range(first, source.num_row_groups)), row


def _is_written(kind) -> bool:
    import pyarrow.types as types

    return types.is_string(kind) or types.is_large_string(kind) or types.is_integer(kind)
