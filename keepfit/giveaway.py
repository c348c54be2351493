"""Giveaway: how much of the label a single column tells; nearly all of it means that it is the label in disguise."""

import numpy as np
import pandas as pd

from keepfit.column_profile import Profile
from keepfit.numerals import to_numbers

# Rows that are looked at, and the groups that a column of numbers is cut into.
SAMPLE, BINS = 30_000, 64


def column_skills(
    frame: pd.DataFrame, profiles: list[Profile], target: pd.Series, *, classes: bool
) -> dict[str, float]:
    """Return, by column, the share of the baseline's squared loss that the column alone saves.

    Every second of up to 30,000 evenly spread labelled rows is learned from, the others are judged; a
    column is cut into groups of equal count, an amount is replaced by its rank, and a missing value is a group
    of its own.
    """
    rows = np.flatnonzero(target.notna().to_numpy())
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).astype(int))]
    known = target.iloc[rows]
    wanted = pd.get_dummies(known).to_numpy(float) if classes else known.rank(pct=True).to_numpy()[:, None]
    return {each.name: _skill(_groups(frame[each.name].iloc[rows], each), wanted) for each in profiles}


def _groups(values: pd.Series, found: Profile) -> np.ndarray:
    if found.kind in ("int", "float") and found.distinct > BINS:
        ranks = to_numbers(values).rank(pct=True, method="min")
        return np.nan_to_num(np.ceil(ranks.to_numpy() * BINS), nan=0).astype(int)
    return pd.factorize(values.astype("object"))[0] + 1


def _skill(groups: np.ndarray, wanted: np.ndarray) -> float:
    learned, judged = slice(0, None, 2), slice(1, None, 2)
    prior = wanted[learned].mean(axis=0)
    counts = np.bincount(groups[learned], minlength=groups.max() + 1)
    loss = naive = 0.0
    for column, base in zip(wanted.T, prior, strict=True):
        sums = np.bincount(groups[learned], weights=column[learned], minlength=len(counts))
        # One row's worth of the prior keeps a group of a few rows from being taken at its word.
        means = (sums + base) / (counts + 1)
        loss += float(((means[groups[judged]] - column[judged]) ** 2).sum())
        naive += float(((base - column[judged]) ** 2).sum())
    return 1 - loss / naive if naive > 0 else 0.0
