"""Alarms: when a statistic is further out than its own history allows.

The checks that share a budget are judged together, by the furthest out of them (Westfall and Young, 1993): each
statistic in standard deviations of its history, and the largest of a window against the largest of each window
of the history. A new window that is like those of the history is further out than all but r of k of them with
a chance of at most (r + 1) / (k + 1) (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from keepfit.history import FEATURE

Support = Literal["history", "few windows", "none"]
# Below this many windows a standard deviation says little.
ENOUGH = 4
TWO_SIDED = {"calibration", "surprise"}


@dataclass(frozen=True)
class Bar:
    """How far out, in standard deviations of its history, the furthest check of a group may be.

    `support`: whether that is a quantile of the history, or, where there are too few windows for
    the quantile, a t distribution through them; `none` where there are too few even for that.
    """

    height: float
    support: Support
    windows: int
    furthest: np.ndarray
    centre: pd.Series
    spread: pd.Series

    def far_out(self, seen: pd.DataFrame) -> pd.DataFrame:
        """Return how far out each statistic of each window is."""
        return (magnitudes(seen, list(self.centre.index)) - self.centre) / self.spread

    def p_value(self, far: float) -> float:
        """Return the chance that the furthest check of a window like those of the history is as far out as this."""
        if np.isnan(far) or self.support == "none":
            return float("nan")
        if self.support == "few windows":
            return float(_student(self.furthest).sf(far))
        return float((1 + (self.furthest >= far).sum()) / (self.windows + 1))

    def threshold(self, name: str) -> float:
        """Return the bar in the statistic's own unit."""
        return float(self.centre[name] + self.height * self.spread[name])


def magnitudes(seen: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return the statistics as what is judged: the size alone where either direction is bad."""
    values = seen.reindex(columns=names).astype(float)
    return values.assign(**{name: values[name].abs() for name in names if name in TWO_SIDED})


def columns_of(checks: tuple[str, ...], history: pd.DataFrame) -> list[str]:
    """Return the statistics behind the checks: `features` stands for one a feature."""
    names = [name for name in history if name in checks]
    return names + [name for name in history if "features" in checks and name.startswith(FEATURE)]


def set_bar(history: pd.DataFrame, names: list[str], chance: float) -> Bar:
    """Return the bar that a window like those of the history passes with at most this chance."""
    past = magnitudes(history, names)
    past = past[past.notna().any(axis=1)] if names else past.iloc[:0]
    centre, spread = past.mean(), past.std(ddof=1).clip(lower=1e-9).fillna(1e-9)
    furthest = np.sort(((past - centre) / spread).max(axis=1).to_numpy())
    windows = len(furthest)
    rank = int(np.floor(chance * (windows + 1)))
    support: Support = "history" if rank >= 1 else "few windows" if windows >= ENOUGH else "none"
    height = float("nan")
    if support == "history":
        height = float(furthest[windows - rank])
    elif support == "few windows":
        height = float(_student(furthest).isf(chance))
    return Bar(height, support, windows, furthest, centre, spread)


def chance_a_window(false_alarms_per_year: float, days: float, *, k: int, n: int) -> float:
    """Return the chance at which a window may pass its bar, so that k of n windows do as seldom as wanted.

    `days`: how long a window lasts. Windows are taken as independent of each other.
    """
    from scipy.optimize import brentq
    from scipy.stats import binom

    wanted = min(false_alarms_per_year * days / 365.25, 0.5)
    if k == n == 1:
        return wanted
    return float(brentq(lambda chance: binom.sf(k - 1, n, chance) - wanted, 1e-9, 1 - 1e-9))


def _student(furthest: np.ndarray):
    from scipy.stats import t

    count = len(furthest)
    return t(count - 1, loc=furthest.mean(), scale=max(furthest.std(ddof=1), 1e-9) * np.sqrt(1 + 1 / count))
