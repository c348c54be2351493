"""Drift curves: the tables behind the plots of a check: each statistic over time, and the features furthest out."""

import numpy as np
import pandas as pd

from keepfit.alarms import in_deviations
from keepfit.bundle import Bundle
from keepfit.drift import Findings
from keepfit.drift_report import describe_features
from keepfit.history import FEATURE, LAST
from keepfit.monitoring import Drift

TIMELINE = ["time", "check", "far_out", "bar", "alarm", "part"]
FEATURES = ["feature", "place", "values", "rows", "share"]


def draw_timeline(findings: Findings, history: pd.DataFrame) -> pd.DataFrame:
    """Return how far out each check was at each window of the history and of the batch, beside its bar."""
    parts = []
    for group in findings.groups.values():
        judged = group.judged
        bars = {"history": judged.bars.iloc[-1], "batch": judged.bars}
        for part, seen, far in (
            ("history", history, in_deviations(history, group.names)),
            ("batch", findings.seen, judged.far_out),
        ):
            wide = _features_as_one(far).assign(time=seen[LAST], bar=bars[part])
            long = wide.melt(["time", "bar"], var_name="check", value_name="far_out")
            parts.append(long.assign(alarm=long.far_out > long.bar, part=part))
    return pd.concat(parts, ignore_index=True)[TIMELINE] if parts else pd.DataFrame(columns=TIMELINE)


def _features_as_one(far: pd.DataFrame) -> pd.DataFrame:
    by_feature = [name for name in far if str(name).startswith(FEATURE)]
    shown = far.drop(columns=by_feature)
    return shown.assign(features=far[by_feature].max(axis=1)) if by_feature else shown


def draw_features(findings: Findings, bundle: Bundle, drift: Drift) -> pd.DataFrame:
    """Return the share of rows in each part of the range of the features furthest out: reference and window."""
    parts = []
    for each in describe_features(findings, bundle, drift):
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
