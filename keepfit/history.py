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


@dataclass(frozen=True)
class Reference:
    """The reference rows that windows are measured against, drawn once for all of them."""

    # Of all rows, those with a label, and a tenth as many as of all for the classifier.
    few: pd.DataFrame
    known: pd.DataFrame
    fewer: pd.DataFrame


def draw_reference(rows: pd.DataFrame, ruler: Ruler, *, where: np.ndarray | None = None) -> Reference:
    """Return at most `drift.max_rows` of the rows, of all or of those `where` it is true, as the seed has it."""
    count, seed, features = ruler.settings.drift.max_rows, ruler.settings.seed, list(ruler.features)
    there = rows[LABEL].notna().to_numpy()
    return Reference(
        few=sample(rows, count, seed, where=where),
        known=sample(rows, count, seed, where=there if where is None else there & where).drop(columns=features),
        fewer=sample(rows, count // 10, seed, where=where)[features],
    )


def measure_history(rows: pd.DataFrame, ruler: Ruler) -> pd.DataFrame:
    """Return a row for each whole window of the reference's rows: its times, its counts and each statistic.

    The rows of the first fold are left out: the model that scored them had learned from the fewest rows of all,
    and its errors say little of the champion's.
    """
    measured = []
    rows = rows[rows[FOLD] != FIRST_FOLD].reset_index(drop=True)
    for window in cut_windows(rows[ruler.settings.dataset.time], ruler.settings.drift.window):
        others = np.ones(len(rows), dtype=bool)
        others[window] = False
        if len(window) >= ruler.settings.drift.min_rows and others.sum() >= ruler.settings.drift.min_rows:
            reference = draw_reference(rows, ruler, where=others)
            measured.append(measure_window(reference, rows.iloc[window], ruler))
    return pd.DataFrame(measured)


def measure_window(reference: Reference, window: pd.DataFrame, ruler: Ruler, *, separate: bool = True) -> dict:
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
        found |= measure_performance(
            reference.known,
            labelled,
            ruler.settings.objective,
            task=ruler.settings.dataset.task,
            threshold=ruler.threshold,
        )
    return found | _measure_data(reference, window, ruler, separate=separate)


def _measure_data(reference: Reference, window: pd.DataFrame, ruler: Ruler, *, separate: bool) -> dict[str, float]:
    few, names, seed = reference.few, list(ruler.features), ruler.settings.seed
    found = {"prediction": measure_shift(few[SCORE], window[SCORE])}
    found |= {f"{FEATURE}{name}": measure_shift(few[name], window[name]) for name in names}
    if separate:
        old, new = reference.fewer, sample(window, ruler.settings.drift.max_rows // 10, seed)[names]
        found["multivariate"] = measure_separation(encode(old, like=old), encode(new, like=old), seed)
    return found
