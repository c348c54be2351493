"""Audit: a feature must not change when later rows go or change, and must read no further back than it says."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from keepfit.cuts import Cut, cut_at, cut_points, excerpt, newest, pick, with_history
from keepfit.dataset import Dataset
from keepfit.entities import number_entities
from keepfit.errors import LookAhead, LookBack
from keepfit.features import LABEL, FeatureModule, columns_needed, columns_read, compute, compute_label, look_back
from keepfit.rows import read_column
from keepfit.spans import parse_span
from keepfit.tables import Table

Compute = Callable[[pd.DataFrame], pd.DataFrame]


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
    reach, entity = look_back(module), dataset.entity
    codes = None if entity is None else number_entities(read_column(rows, entity))
    places = [cut_at(point, len(rows), reach=reach, codes=codes) for point in cut_points(len(rows), cuts)]
    last = newest(len(rows), codes=codes)
    columns = columns_needed(list(rows.columns), dataset, module)
    around = [positions for cut in places for positions in (cut.before, cut.after)]
    near = excerpt(rows, [last, *around], columns)
    made = excerpt(table, [cut.compared for cut in places], list(table.columns))

    def features(part: pd.DataFrame) -> pd.DataFrame:
        return compute(part, dataset.features, module, entity=entity)

    def labels(part: pd.DataFrame) -> pd.DataFrame:
        return compute_label(part, dataset, module).to_frame(LABEL)

    def again(cut: Cut) -> pd.DataFrame:
        step = size or len(rows)
        starts = range(cut.compared[0] // step * step, cut.point, step)
        parts = [slice(start, min(start + step, cut.point)) for start in starts]
        reached = [with_history(part, reach=reach, codes=codes) for part in parts]
        made = [features(pick(rows, each)) for each in reached]
        return pd.concat([each.loc[part.start :] for each, part in zip(made, parts, strict=True)])

    told = set(outcome_columns(near.pick(last), dataset, module))
    outcomes = sorted(told & set(columns_read(dataset.features, module)))
    for cut in places:
        before, after = near.pick(cut.before), near.pick(cut.after)
        later = alter(after, keep=entity)
        compared = made.pick(cut.compared)
        _audit_features(before, later, compared, features, partial(again, cut), cut=cut.point, reach=reach)
        if outcomes:
            _audit_outcomes(before, features, outcomes, dataset)
        if dataset.label in module.labels:
            _audit_label(before.loc[cut.compared], after, later, labels, dataset)


def outcome_columns(newest: pd.DataFrame, dataset: Dataset, module: FeatureModule) -> list[str]:
    """Return the columns that tell the label of their own row, and so are unknown until the horizon has passed.

    A label that a function takes from other rows (tomorrow's close) is told by no column of its own row.
    """
    if dataset.label not in module.labels:
        return [dataset.label]
    label, turned = (compute_label(each, dataset, module).to_frame(LABEL) for each in (newest, newest.iloc[::-1]))
    return [] if _first_difference(label, turned, newest.index) else list(module.labels[dataset.label].reads)


def alter(rows: pd.DataFrame, *, keep: str | None = None) -> pd.DataFrame:
    """Return the rows in reverse order, numbers but those of `keep` scaled: as unlike the future as types allow."""
    altered = rows.iloc[::-1].reset_index(drop=True)
    altered.index = rows.index
    numbers = altered.select_dtypes("number").columns.drop(keep, errors="ignore")
    return altered.assign(**{name: altered[name] * 3 for name in numbers})


def _audit_features(
    before: pd.DataFrame,
    later: pd.DataFrame,
    compared: pd.DataFrame,
    features: Compute,
    again: Callable[[], pd.DataFrame],
    *,
    cut: int,
    reach: int,
) -> None:
    alone = features(before)
    if name := _first_difference(alone, features(pd.concat([before, later])), compared.index):
        raise LookAhead(f"{name}: changes before row {cut} when the rows from {cut} on change")
    if name := _first_difference(compared, alone, compared.index):
        if _first_difference(compared[[name]], again()[[name]], compared.index):
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


def _audit_label(
    before: pd.DataFrame, after: pd.DataFrame, later: pd.DataFrame, labels: Compute, dataset: Dataset
) -> None:
    horizon = parse_span(dataset.horizon)
    part, altered = pd.concat([before, after]), pd.concat([before, later])
    if isinstance(horizon, int):
        known = part.index[part.index <= before.index[-1] - horizon]
    else:
        next_row = before.iloc[-1] if after.empty else after.iloc[0]
        known = part.index[part[dataset.time] < next_row[dataset.time] - horizon]
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
