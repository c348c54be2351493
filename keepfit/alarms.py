"""Alarms: when a window is further out than its own history allows.

The checks that share a budget are judged together, by the furthest out of them (Westfall and Young, 1993). The new
window is put among those of the history, each statistic is taken in standard deviations of them all, and what
counts is the new window's place in the order of their furthest checks: among k windows like itself it is one of
the r foremost of k + 1 with a chance of r / (k + 1), however many checks there are and however they hang
together (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from keepfit.evidence import DAYS_A_YEAR
from keepfit.history import FEATURE

Support = Literal["history", "few windows", "none"]
# Below this many windows a standard deviation says little.
ENOUGH = 4
TWO_SIDED = {"calibration", "surprise"}


@dataclass(frozen=True)
class Judged:
    """How far out each check is in each window, in standard deviations, and how far out is too far.

    `support`: whether the bar is a place among the windows of the history; or, where there are too few for the
    chance, a t distribution through them; or `none`, where there are too few even for that.
    """

    support: Support
    far_out: pd.DataFrame
    bars: pd.Series
    p_values: pd.DataFrame
    thresholds: pd.DataFrame

    @property
    def alarms(self) -> pd.DataFrame:
        """Which check is in alarm in which window."""
        return self.far_out.gt(self.bars, axis=0)


def judge_windows(history: pd.DataFrame, seen: pd.DataFrame, names: list[str], chance: float) -> Judged:
    """Judge each window of `seen` on its own; one like those of the history alarms with at most this chance.

    Thresholds are in the check's own unit, for its size alone where either direction is bad.
    """
    past = magnitudes(history, names)
    past = past[past.notna().any(axis=1)]
    support: Support = "none"
    if int(np.floor(chance * (len(past) + 1))) >= 1:
        support = "history"
    elif len(past) >= ENOUGH:
        support = "few windows"
    new = magnitudes(seen, names)
    place = {"history": _place, "few windows": _extrapolate, "none": _unknown}[support]
    placed = [place(past, new.loc[row], chance) for row in new.index]
    far_out, bars, p_values, thresholds = (
        list(part) for part in (zip(*placed, strict=True) if placed else ((), (), (), ()))
    )
    return Judged(
        support,
        far_out=pd.DataFrame(far_out, index=new.index, columns=names),
        bars=pd.Series(bars, index=new.index, dtype=float),
        p_values=pd.DataFrame(p_values, index=new.index, columns=names),
        thresholds=pd.DataFrame(thresholds, index=new.index, columns=names),
    )


def magnitudes(statistics: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return the statistics as what is judged: the size alone where either direction is bad."""
    values = statistics.reindex(columns=names).astype(float)
    return values.assign(**{name: values[name].abs() for name in names if name in TWO_SIDED})


def in_deviations(history: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return how far out each check was in each window of the history."""
    past = magnitudes(history, names)
    return (past - past.mean()) / _spread(past)


def columns_of(checks: tuple[str, ...], history: pd.DataFrame) -> list[str]:
    """Return the statistics behind the checks: `features` stands for one a feature."""
    names = [name for name in history if name in checks]
    return names + [name for name in history if "features" in checks and str(name).startswith(FEATURE)]


def chance_a_window(false_alarms_per_year: float, days: float, *, k: int, n: int) -> float:
    """Return the chance at which a window may alarm, so that k of n windows do as seldom as wanted.

    `days`: how long a window lasts. Windows are taken as independent of each other.
    """
    from scipy.stats import beta

    wanted = min(false_alarms_per_year * days / DAYS_A_YEAR, 0.5)
    # The order statistics of n uniform numbers are beta: this inverts the binomial.
    return float(beta.ppf(wanted, k, n - k + 1))


def _place(past: pd.DataFrame, new: pd.Series, chance: float) -> tuple[pd.Series, float, pd.Series, pd.Series]:
    # A check a row, in NumPy: a replay does this for every window that there was.
    together = np.column_stack([past.to_numpy().T, new.to_numpy()])
    centre, spread = _moments(together)
    deviations = (together - centre[:, None]) / spread[:, None]
    furthest, far = np.sort(np.fmax.reduce(deviations[:, :-1], axis=0)), deviations[:, -1]
    bar = float(furthest[len(past) - int(np.floor(chance * (len(past) + 1)))])
    ahead = len(past) - np.searchsorted(furthest, far, side="left")
    p_values = np.where(np.isnan(far), np.nan, (1 + ahead) / (len(past) + 1))
    return (
        pd.Series(far, index=new.index),
        bar,
        pd.Series(p_values, index=new.index),
        pd.Series(centre + bar * spread, index=new.index),
    )


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = ~np.isnan(values)
    count = known.sum(axis=1).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = np.where(known, values, 0).sum(axis=1) / count
        squares = np.where(known, values - centre[:, None], 0) ** 2
        spread = np.sqrt(squares.sum(axis=1) / (count - 1))
    return centre, np.clip(np.where(count > 1, spread, 0), 1e-9, None)


def _extrapolate(past: pd.DataFrame, new: pd.Series, chance: float) -> tuple[pd.Series, float, pd.Series, pd.Series]:
    from scipy.stats import t

    windows, checks = len(past), max(past.shape[1], 1)
    centre, spread = past.mean(), _spread(past)
    # A new value differs from a mean of k by more than k values differ from theirs.
    wider, student = np.sqrt(1 + 1 / windows), t(windows - 1)
    far = (new - centre) / spread
    bar = float(student.isf(chance / checks) * wider)
    p_values = pd.Series(np.minimum(student.sf(far / wider) * checks, 1), index=far.index).where(far.notna())
    return far, bar, p_values, centre + bar * spread


def _unknown(past: pd.DataFrame, new: pd.Series, chance: float) -> tuple[pd.Series, float, pd.Series, pd.Series]:
    del past, chance
    nothing = new * np.nan
    return nothing, float("nan"), nothing, nothing


def _spread(values: pd.DataFrame) -> pd.Series:
    return values.std(ddof=1).fillna(0).clip(lower=1e-9)
