"""Incoming: rows from outside the graph, a file or a drill, through the same rules and features as the graph's."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keepfit.batch import number_newer, require_newer, require_same_question
from keepfit.bundle import Bundle
from keepfit.checkup import Checkup, broken, cut_short, examine, no_curves
from keepfit.columns import join, parse_column, require
from keepfit.dataset import Dataset, FileSource
from keepfit.errors import (
    EmptyTable,
    MissingColumn,
    QuotaExceeded,
    SourceError,
    SourceWentBackwards,
    StaleData,
)
from keepfit.features import assemble, load_module
from keepfit.rows import read_column, read_history
from keepfit.settings import Settings
from keepfit.sources import read_source
from keepfit.validate import enforce_freshness, enforce_quota, validate
from keepfit.verdict import TOO_LITTLE

if TYPE_CHECKING:
    from keepfit.rows import Rows

# What a step says when the data is at fault, and not the configuration.
DATA_ERRORS = (EmptyTable, MissingColumn, QuotaExceeded, SourceError, SourceWentBackwards, StaleData)


def read_rows(path: Path, dataset: Dataset) -> pd.DataFrame:
    """Return the raw rows of a CSV, Parquet or JSON-lines file as ingest reads them; raise SourceError."""
    return read_source(FileSource(kind="file", path=str(path), watch=str(path)), categories=dataset.categories)


def examine_raw(
    raw: pd.DataFrame,
    past: "Rows",
    bundle: Bundle,
    settings: Settings,
    *,
    now: pd.Timestamp | None = None,
    spoil: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table,
) -> Checkup:
    """Check raw rows: `past` are typed rows on which the features of the first ones look back.

    Columns that only the label needs may be missing. `now`: when the newest row is due, where that is asked.
    `spoil` puts a fault into the feature table. What is wrong with the rows themselves is a verdict. Raises
    BatchError and FeatureError.
    """
    require_same_question(bundle, settings)
    if raw.empty:
        return Checkup(cut_short("insufficient-data", "none", "not one row", settings, status=TOO_LITTLE), no_curves())
    try:
        came = take_in(raw, past, bundle, settings, now=now)
    except DATA_ERRORS as error:
        return broken(error, settings)
    return examine(spoil(came.table), came.rows, bundle, settings, set_aside=came.set_aside)


@dataclass(frozen=True)
class Incoming:
    """New rows on their way to the checks: feature table, typed raw rows, and the times of those set aside."""

    table: pd.DataFrame
    rows: pd.DataFrame
    set_aside: pd.Series


def take_in(
    raw: pd.DataFrame, past: "Rows", bundle: Bundle, settings: Settings, *, now: pd.Timestamp | None = None
) -> Incoming:
    """Validate raw rows and compute their features; raise one of DATA_ERRORS, BatchError or FeatureError."""
    dataset, time = settings.dataset, settings.dataset.time
    if raw.empty:
        raise EmptyTable("not one row")
    if not dataset.has_time and time not in raw:
        raw = number_newer(raw, bundle.passport, dataset.columns[time], name=time)
    known = _columns_that_came(raw, bundle, dataset)
    found = validate(raw, known)
    enforce_quota(found.report, found.quarantine, known, settings.validate_.quota)
    if now is not None:
        enforce_freshness(found.valid[time].max(), known.model_copy(update={"until": None}), now=now)
    rows = found.valid.assign(**{name: np.nan for name in dataset.columns if name not in known.columns})
    require_newer(rows, bundle, time)
    earlier = int((read_column(past, time) < rows[time].iloc[0]).sum())
    look_back = bundle.passport.request.look_back
    before = read_history(past, earlier, look_back=look_back, entity=dataset.entity, came=rows)
    table = assemble(join([before, rows]), dataset, load_module(dataset.features.module))
    return Incoming(table.iloc[len(before) :], rows, parse_column(found.quarantine[time], dataset.columns[time]))


def _columns_that_came(raw: pd.DataFrame, bundle: Bundle, dataset: Dataset) -> Dataset:
    # A label that is a function looks ahead within its entity, whether the features need that or not.
    require(raw, [*bundle.passport.request.columns, *filter(None, [dataset.entity])])
    columns = {name: column for name, column in dataset.columns.items() if name in raw}
    return dataset.model_copy(update={"columns": columns, "keys": tuple(key for key in dataset.keys if key in raw)})
