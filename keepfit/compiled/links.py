"""Links: from the sums of a model to its scores, with the very bits of scikit-learn's."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from keepfit.compiled.plan import Estimate

if TYPE_CHECKING:
    import numpy as np


def finish_row(estimate: Estimate) -> Callable:
    """Return what makes a score of the sum of one row, or the list of several of a list."""
    if estimate.places:
        return lambda sums: _finish_several(estimate, sums)
    if estimate.link == "expit":
        return expit
    if estimate.link == "mean":
        trees = estimate.trees
        return lambda total: total / trees
    return lambda total: total


def finish_rows(estimate: Estimate, sums: "np.ndarray") -> "np.ndarray":
    """Return the scores (n,) or (n, classes) of sums (n, scores)."""
    import numpy as np

    match estimate.link:
        case "expit":
            from scipy.special import expit as expit_rows

            sums = expit_rows(sums)
        case "softmax":
            # In this order and with these functions: as scikit-learn has it.
            sums = np.exp(sums - sums.max(axis=1).reshape(-1, 1))
            sums /= sums.sum(axis=1).reshape(-1, 1)
        case "mean":
            sums = sums / estimate.trees
    if not estimate.places:
        return sums[:, 0]
    scores = np.zeros((len(sums), max(estimate.classes, max(estimate.places) + 1)))
    scores[:, list(estimate.places)] = sums
    return scores


def expit(value: float) -> float:
    """Return the logistic function; never raises."""
    try:
        return 1.0 / (1.0 + math.exp(-value))
    except OverflowError:
        return 0.0


def _finish_several(estimate: Estimate, sums: list[float]) -> list[float]:
    import numpy as np

    return finish_rows(estimate, np.array([sums]))[0].tolist()
