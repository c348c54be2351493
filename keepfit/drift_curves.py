"""Drift curves: the tables behind the plots of a check: each statistic over time, and the features furthest out."""

import numpy as np
import pandas as pd

from keepfit.bundle import Bundle
from keepfit.drift import Findings
from keepfit.drift_report import describe_features
from keepfit.history import FEATURE, LAST

TIMELINE = ["time", "check", "far_out", "bar", "alarm", "part"]
FEATURES = ["feature", "place", "values", "rows", "share"]


def draw_timeline(findings: Findings, history: pd.DataFrame) -> pd.DataFrame:
    """Return how far out each check was at each window of the history and of the batch, beside its bar."""
    parts = []
    for group in findings.groups.values():
        for part, seen in (("history", history), ("batch", findings.seen)):
            far = group.bar.far_out(seen)
            by_feature = [name for name in far if str(name).startswith(FEATURE)]
            shown = far.drop(columns=by_feature)
            if by_feature:
                shown["features"] = far[by_feature].max(axis=1)
            long = shown.assign(time=seen[LAST]).melt("time", var_name="check", value_name="far_out")
            parts.append(long.assign(bar=group.bar.height, alarm=long.far_out > group.bar.height, part=part))
    return pd.concat(parts, ignore_index=True)[TIMELINE] if parts else pd.DataFrame(columns=TIMELINE)


def draw_features(findings: Findings, bundle: Bundle) -> pd.DataFrame:
    """Return the share of rows in each part of the range of the features furthest out: reference and window."""
    parts = []
    for each in describe_features(findings, bundle):
        name = each["feature"]
        reference, window = bundle.reference[name], findings.newest[name]
        parts += [
            shares.rename("share")
            .rename_axis("values")
            .reset_index()
            .assign(feature=name, rows=side, place=range(len(shares)))
            for side, shares in _shares(reference, window).items()
        ]
    return pd.concat(parts, ignore_index=True)[FEATURES] if parts else pd.DataFrame(columns=FEATURES)


def _shares(reference: pd.Series, window: pd.Series) -> dict[str, pd.Series]:
    if isinstance(reference.dtype, pd.CategoricalDtype):
        kept = list(reference.value_counts().head(9).index)
        sides = [side.astype(object).where(side.isin(kept), "other") for side in (reference, window)]
        names = [*kept, "other"]
    else:
        edges = np.unique(reference.quantile(np.linspace(0, 1, 11)[1:-1]).dropna())
        sides = [pd.cut(side, [-np.inf, *edges, np.inf]) for side in (reference, window)]
        names = list(sides[0].cat.categories)
    counted = [side.value_counts(normalize=True).reindex(names, fill_value=0) for side in sides]
    return {part: shares.rename(str) for part, shares in zip(("reference", "window"), counted, strict=True)}
