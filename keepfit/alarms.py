"""Alarms: when a statistic is further out than its own history allows.

Each statistic is taken in standard deviations of its history and averaged over the newest windows with falling
weights (Roberts, Control chart tests based on geometric moving averages, 1959), so that a small lasting change is
seen as well as a large sudden one. The checks that share a budget are judged together, by the furthest out of
them (Westfall and Young, 1993). A window like the k of the history is further out than all but r - 1 of them
with a chance of at most r / (k + 1) (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005).
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
class Bar:
    """How far out, in standard deviations of its history, the furthest check of a group may be.

    `support`: whether that is a quantile of the history; or, where it has too few windows for the
    quantile, one of a t distribution through them; or `none`, where there are too few even for that.
    """

    height: float
    support: Support
    furthest: np.ndarray
    centre: pd.Series
    spread: pd.Series
    memory: float

    def far_out(self, seen: pd.DataFrame) -> pd.DataFrame:
        """Return how far out each check is at each window, the oldest window first."""
        return _sized(_average((seen.reindex(columns=self.centre.index) - self.centre) / self.spread, self.memory))

    def p_value(self, far: float) -> float:
        """Return the chance that the furthest check at a window like those of the history is as far out as this."""
        if np.isnan(far) or self.support == "none":
            return float("nan")
        if self.support == "few windows":
            return float(_student(self.furthest).sf(far))
        return float((1 + (self.furthest >= far).sum()) / (len(self.furthest) + 1))

    def levels(self, seen: pd.DataFrame) -> pd.DataFrame:
        """Return each check's average over the newest windows, in its own unit, at each window."""
        return _average(seen.reindex(columns=self.centre.index).astype(float), self.memory)

    def threshold(self, name: str, level: float) -> float:
        """Return the bar in the check's own unit, on the side on which the level lies."""
        below = name in TWO_SIDED and level < self.centre[name]
        return float(self.centre[name] + (-1 if below else 1) * self.height * self.spread[name])


def columns_of(checks: tuple[str, ...], history: pd.DataFrame) -> list[str]:
    """Return the statistics behind the checks: `features` stands for one a feature."""
    names = [name for name in history if name in checks]
    return names + [name for name in history if "features" in checks and str(name).startswith(FEATURE)]


def set_bar(history: pd.DataFrame, names: list[str], chance: float, *, memory: float) -> Bar:
    """Return the bar that a window like those of the history passes with at most this chance.

    `memory`: the weight of the newest window, between 0 and 1.
    """
    past = history.reindex(columns=names).astype(float)
    past = past[past.notna().any(axis=1)]
    centre, spread = past.mean(), past.std(ddof=1).fillna(0).clip(lower=1e-9)
    furthest = np.sort(_sized(_average((past - centre) / spread, memory)).max(axis=1).to_numpy())
    windows = len(furthest)
    rank = int(np.floor(chance * (windows + 1)))
    support: Support = "history" if rank >= 1 else "few windows" if windows >= ENOUGH else "none"
    height = float("nan")
    if support == "history":
        height = float(furthest[windows - rank])
    elif support == "few windows":
        height = float(_student(furthest).isf(chance))
    return Bar(height, support, furthest, centre, spread, memory)


def chance_a_window(false_alarms_per_year: float, days: float, *, k: int, n: int) -> float:
    """Return the chance at which a window may pass its bar, so that k of n windows do as seldom as wanted.

    `days`: how long a window lasts. Windows are taken as independent of each other.
    """
    from scipy.optimize import brentq
    from scipy.stats import binom

    wanted = min(false_alarms_per_year * days / DAYS_A_YEAR, 0.5)
    if k == n == 1:
        return wanted
    return float(brentq(lambda chance: binom.sf(k - 1, n, chance) - wanted, 1e-9, 1 - 1e-9))


def _average(values: pd.DataFrame, memory: float) -> pd.DataFrame:
    return values.astype(float).ewm(alpha=memory, adjust=True, ignore_na=True).mean().where(values.notna())


def _sized(values: pd.DataFrame) -> pd.DataFrame:
    return values.assign(**{name: values[name].abs() for name in values if name in TWO_SIDED})


def _student(furthest: np.ndarray):
    from scipy.stats import t

    count = len(furthest)
    return t(count - 1, loc=furthest.mean(), scale=max(furthest.std(ddof=1), 1e-9) * np.sqrt(1 + 1 / count))
