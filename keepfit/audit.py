"""Audit: a feature must not change when later rows go or change, and must read no further back than it says."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from keepfit.dataset import Dataset
from keepfit.errors import LookAhead, LookBack
from keepfit.features import LABEL, FeatureModule, columns_needed, columns_read, compute, compute_label, look_back
from keepfit.spans import parse_span
from keepfit.tables import Table

# Rows before each cut that are compared, and rows after it that are altered.
COMPARED, ALTERED = 200, 200
Compute = Callable[[pd.DataFrame], pd.DataFrame]
Again = Callable[[int], pd.DataFrame]


@dataclass(frozen=True)
class Excerpt:
    """Some rows of a file: `len` is that of the file, and `[start:stop]` what is known of these rows."""

    rows: int
    known: pd.DataFrame

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, span: slice) -> pd.DataFrame:
        return self.known.loc[span.start : span.stop - 1]


Rows: TypeAlias = "pd.DataFrame | Excerpt"


def audit(
    rows: pd.DataFrame | Table,
    table: pd.DataFrame | Table,
    dataset: Dataset,
    module: FeatureModule,
    *,
    cuts: int,
    size: int | None = None,
) -> None:
    """Recompute features around `cuts` points of the history, and raise LookAhead or LookBack.

    `rows` are typed raw rows in time order, `table` is what `assemble` made of them, in parts of `size` rows where
    that is given. Of files only the rows around the cuts are read, and each row group once.
    """

    def features(part: pd.DataFrame) -> pd.DataFrame:
        return compute(part, dataset.features, module)

    def labels(part: pd.DataFrame) -> pd.DataFrame:
        return compute_label(part, dataset, module).to_frame(LABEL)

    def again(cut: int) -> pd.DataFrame:
        step = size or len(rows)
        starts = range(max(0, cut - COMPARED) // step * step, cut, step)
        parts = [(start, rows[max(0, start - reach) : min(start + step, cut)]) for start in starts]
        return pd.concat([features(part).loc[start:] for start, part in parts])

    reach, points = look_back(module), cut_points(len(rows), cuts)
    near = _excerpt(rows, points, columns_needed(list(rows.columns), dataset, module), COMPARED + reach, ALTERED + 1)
    made = _excerpt(table, points, list(table.columns), COMPARED, 0)
    outcomes = sorted(set(outcome_columns(near, dataset, module)) & set(columns_read(dataset.features, module)))
    for cut in points:
        _audit_features(near, made, features, again, cut=cut, reach=reach)
        if outcomes:
            _audit_outcomes(near[max(0, cut - COMPARED - reach) : cut], features, outcomes, dataset)
        if dataset.label in module.labels:
            _audit_label(near, labels, cut=cut, dataset=dataset)


def cut_points(rows: int, cuts: int) -> list[int]:
    """Return up to `cuts` positions, evenly spread, the last one at the end of the table."""
    return sorted({int(cut) for cut in np.linspace(0, rows, cuts + 1)[1:] if cut >= 1})


def outcome_columns(rows: Rows, dataset: Dataset, module: FeatureModule) -> list[str]:
    """Return the columns that tell the label of their own row, and so are unknown until the horizon has passed.

    A label that a function takes from other rows (tomorrow's close) is told by no column of its own row.
    """
    if dataset.label not in module.labels:
        return [dataset.label]
    part = rows[max(0, len(rows) - COMPARED) : len(rows)]
    label, turned = (compute_label(each, dataset, module).to_frame(LABEL) for each in (part, part.iloc[::-1]))
    return [] if _first_difference(label, turned, part.index) else list(module.labels[dataset.label].reads)


def alter(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in reverse order, numbers scaled: as unlike the real future as types allow."""
    altered = rows.iloc[::-1].reset_index(drop=True)
    altered.index = rows.index
    numbers = altered.select_dtypes("number").columns
    return altered.assign(**{name: altered[name] * 3 for name in numbers})


def _excerpt(rows: pd.DataFrame | Table, points: list[int], columns: list[str], before: int, after: int) -> Rows:
    if isinstance(rows, pd.DataFrame):
        return rows
    around = [np.arange(max(0, point - before), min(point + after, len(rows))) for point in points]
    positions = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *around]))
    return Excerpt(len(rows), rows.pick(positions, columns))


def _audit_features(rows: Rows, table: Rows, features: Compute, again: Again, *, cut: int, reach: int) -> None:
    start = max(0, cut - COMPARED - reach)
    before, after = rows[start:cut], rows[cut : cut + ALTERED]
    compared = table[max(0, cut - COMPARED) : cut]
    alone = features(before)
    if name := _first_difference(alone, features(pd.concat([before, alter(after)])), compared.index):
        raise LookAhead(f"{name}: changes before row {cut} when the rows from {cut} on change")
    if name := _first_difference(compared, alone, compared.index):
        if _first_difference(compared[[name]], again(cut)[[name]], compared.index):
            raise LookAhead(f"{name}: changes before row {cut} when the rows from {cut} on are removed")
        raise LookBack(f"{name}: reads more than the {reach} rows back that the features declare; set look_back")


def _audit_outcomes(before: pd.DataFrame, features: Compute, outcomes: list[str], dataset: Dataset) -> None:
    horizon, times = parse_span(dataset.horizon), before[dataset.time]
    last = before.index[-1]
    late = before.index > last - horizon if isinstance(horizon, int) else times > times[last] - horizon
    unknown = late | (before.index == last)
    changed = {
        name: before[name].where(~unknown, before[name].fillna(0) * 3 + 1)
        if pd.api.types.is_numeric_dtype(before[name])
        else before[name].where(~unknown)
        for name in outcomes
    }
    if name := _first_difference(features(before), features(before.assign(**changed)), before.index[-1:]):
        raise LookAhead(
            f"{name}: reads {', '.join(outcomes)} of rows whose label is not known yet "
            f"(dataset.horizon = {dataset.horizon})"
        )


def _audit_label(rows: Rows, labels: Compute, *, cut: int, dataset: Dataset) -> None:
    horizon = parse_span(dataset.horizon)
    start, next_row = max(0, cut - COMPARED), min(cut, len(rows) - 1)
    part = rows[start : cut + ALTERED]
    altered = pd.concat([rows[start:cut], alter(rows[cut : cut + ALTERED])])
    if isinstance(horizon, int):
        known = part.index[part.index < cut - horizon]
    else:
        known = part.index[part[dataset.time] < rows[next_row : next_row + 1][dataset.time].iloc[0] - horizon]
    if _first_difference(labels(part), labels(altered), known):
        raise LookAhead(f"{dataset.label}: the label looks further ahead than dataset.horizon = {dataset.horizon}")


def _first_difference(one: pd.DataFrame, other: pd.DataFrame, index: pd.Index) -> str | None:
    for name in other.columns:
        a, b = one[name].reindex(index), other[name].reindex(index)
        if isinstance(a.dtype, pd.CategoricalDtype):
            same = (a.astype("object") == b.astype("object")) | (a.isna() & b.isna())
        else:
            same = np.isclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True)
        if not np.all(same):
            return name
    return None
