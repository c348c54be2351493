"""Ingest: the source up to the cut-off, as it came, with a record of what it was."""

from typing import Any

import pandas as pd

from keepfit.columns import parse_column, require, settle_types
from keepfit.dataset import Dataset
from keepfit.errors import EmptyTable, SourceWentBackwards
from keepfit.times import end_of


def cut(frame: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Return the rows up to `dataset.until`, in the order they came.

    A row whose time cannot be read stays: `validate` sets it aside with that reason.
    Raises MissingColumn and EmptyTable.
    """
    require(frame, [dataset.time])
    times = parse_column(frame[dataset.time], dataset.columns[dataset.time])
    kept = frame[(times <= end_of(dataset.until)) | times.isna()]
    if kept.empty:
        raise EmptyTable(f"dataset.source: no row up to dataset.until = {dataset.until}")
    return settle_types(kept.reset_index(drop=True))


def describe(frame: pd.DataFrame, dataset: Dataset, *, content: str) -> dict[str, Any]:
    """Return the record of an ingest: source, rows, first and last time, content hash."""
    times = parse_column(frame[dataset.time], dataset.columns[dataset.time])
    return {
        "source": _identity(dataset),
        "until": dataset.until,
        "rows": len(frame),
        "first": times.min(),
        "last": times.max(),
        "sha256": content,
    }


def refuse_backwards(frame: pd.DataFrame, dataset: Dataset, last: dict[str, Any] | None) -> None:
    """Raise SourceWentBackwards where the source lost its newest rows since the record `last`.

    A cut-off that was moved back, or another source, is the user's doing and not the source's.
    """
    if last is None or dataset.may_go_backwards or last["source"] != _identity(dataset):
        return
    now, before = parse_column(frame[dataset.time], dataset.columns[dataset.time]).max(), pd.Timestamp(last["last"])
    if (pd.isna(now) or now < before) and before <= end_of(dataset.until):
        raise SourceWentBackwards(
            f"dataset.source: ends at {now}, but it reached {before} at the last ingest; "
            "the last good table is kept. Set dataset.may_go_backwards: true if this is meant"
        )


def _identity(dataset: Dataset) -> dict[str, Any]:
    return dataset.source.model_dump(mode="json", exclude={"watch"})
