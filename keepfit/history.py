"""History: what each statistic of the drift check was, window by window, while the model was right.

Each window of the model's own out-of-sample rows is measured against all the other rows, as a batch will be
measured against all of them. What the world does by itself from one window to the next is in there.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from keepfit.distributions import encode, measure_separation, measure_shift, sample
from keepfit.evidence import FIRST_FOLD, FOLD, cut_windows
from keepfit.features import LABEL
from keepfit.performance import measure_performance
from keepfit.scores import SCORE
from keepfit.settings import Settings

FIRST, LAST, ROWS, LABELLED = "first", "last", "rows", "labelled"
FEATURE = "feature "


@dataclass(frozen=True)
class Ruler:
    """What a window is measured by: the settings, the model's features and its threshold."""

    settings: Settings
    features: tuple[str, ...]
    threshold: float


def measure_history(reference: pd.DataFrame, ruler: Ruler) -> pd.DataFrame:
    """Return a row for each whole window of the reference: its times, its counts and each statistic.

    The rows of the first fold are left out: the model that scored them had learned from the fewest rows of all,
    and its errors say little of the champion's.
    """
    measured = []
    reference = reference[reference[FOLD] != FIRST_FOLD].reset_index(drop=True)
    for rows in cut_windows(reference[ruler.settings.dataset.time], ruler.settings.drift.window):
        others = np.ones(len(reference), dtype=bool)
        others[rows] = False
        if len(rows) >= ruler.settings.drift.min_rows and others.sum() >= ruler.settings.drift.min_rows:
            measured.append(measure_window(reference[others], reference.iloc[rows], ruler))
    return pd.DataFrame(measured)


def measure_window(reference: pd.DataFrame, window: pd.DataFrame, ruler: Ruler, *, separate: bool = True) -> dict:
    """Return the times, the counts and each statistic of a window; what cannot be measured is NaN.

    `separate`: whether the domain classifier, which is the slowest, is asked too.
    """
    drift, time = ruler.settings.drift, ruler.settings.dataset.time
    # Without the features, which are most of a large window and say nothing of performance.
    labelled = window.drop(columns=list(ruler.features))[window[LABEL].notna()]
    found = {
        FIRST: window[time].iloc[0],
        LAST: window[time].iloc[-1],
        ROWS: len(window),
        LABELLED: len(labelled),
    }
    if len(labelled) >= drift.min_rows:
        known = sample(reference[reference[LABEL].notna()], drift.max_rows, ruler.settings.seed)
        found |= measure_performance(
            known,
            labelled,
            ruler.settings.objective,
            task=ruler.settings.dataset.task,
            threshold=ruler.threshold,
        )
    return found | _measure_data(reference, window, ruler, separate=separate)


def _measure_data(reference: pd.DataFrame, window: pd.DataFrame, ruler: Ruler, *, separate: bool) -> dict[str, float]:
    drift, seed = ruler.settings.drift, ruler.settings.seed
    few = sample(reference, drift.max_rows, seed)
    names = list(ruler.features)
    found = {"prediction": measure_shift(few[SCORE], window[SCORE])}
    found |= {f"{FEATURE}{name}": measure_shift(few[name], window[name]) for name in names}
    if separate:
        old, new = (sample(rows, drift.max_rows // 10, seed)[names] for rows in (reference, window))
        found["multivariate"] = measure_separation(encode(old, like=old), encode(new, like=old), seed)
    return found
