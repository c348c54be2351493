"""Significance: the p-values of a window by the tests that everyone knows, beside the alarms and not behind them.

They take rows as independent of each other. Rows of a market or an airport are not: then a p-value is far too
small, and is reported for what it is. Where a history is too short for a threshold there is nothing better.
"""

import numpy as np
import pandas as pd

from keepfit.detectors import Detectors, Outcome
from keepfit.distributions import encode, sample
from keepfit.evidence import LOSS
from keepfit.features import LABEL
from keepfit.history import FEATURE, Reference, Ruler
from keepfit.performance import expect, find_errors, learn_expectation, outcomes, rank_losses
from keepfit.scores import SCORE, read_scores


def compute_p_values(
    reference: Reference, window: pd.DataFrame, ruler: Ruler, detectors: Detectors
) -> dict[str, Outcome]:
    """Return the test of each check, and of each feature, that this window allows; raise DetectorError."""
    drift, seed = ruler.settings.drift, ruler.settings.seed
    labelled = window.drop(columns=list(ruler.features))[window[LABEL].notna()]
    found = _test_performance(reference.known, labelled, ruler, detectors) if len(labelled) >= drift.min_rows else {}
    few, names = reference.few, list(ruler.features)
    found["prediction"] = detectors.test_numbers(few[SCORE].to_numpy(), window[SCORE].to_numpy())
    for name in names:
        # A column at a time: a window may be large.
        sides = [encode(side[[name]], like=few[[name]])[:, 0] for side in (few, window)]
        sides = [side[~np.isnan(side)] for side in sides]
        if min(map(len, sides)):
            categories = isinstance(few[name].dtype, pd.CategoricalDtype)
            test = detectors.test_categories if categories else detectors.test_numbers
            found[f"{FEATURE}{name}"] = test(*sides)
    fewer = drift.max_rows // 10
    found["multivariate"] = detectors.test_domains(
        encode(sample(few[names], fewer, seed), like=few[names]),
        encode(sample(window, fewer, seed)[names], like=few[names]),
        seed,
    )
    return found


def adjust(tests: dict[str, Outcome]) -> dict[str, float]:
    """Return the p-value of each feature after control of the false discovery rate (Benjamini and Hochberg, 1995)."""
    from scipy.stats import false_discovery_control

    names = [name for name in tests if name.startswith(FEATURE)]
    if not names:
        return {}
    return dict(zip(names, map(float, false_discovery_control([tests[name].p_value for name in names])), strict=True))


def _test_performance(
    known: pd.DataFrame, labelled: pd.DataFrame, ruler: Ruler, detectors: Detectors
) -> dict[str, Outcome]:
    from scipy.stats import norm, ttest_1samp, ttest_ind

    settings, threshold = ruler.settings, ruler.threshold
    task, expectation = settings.dataset.task, learn_expectation(known)
    loss, bias, variance = expect(
        read_scores(labelled, settings.objective.classes),
        expectation,
        settings.objective,
        task=task,
        threshold=threshold,
    )
    to_one_side = (outcomes(labelled) - labelled[SCORE] - bias).sum() / np.sqrt(max(variance.sum(), 1e-12))
    losses = [rows[LOSS] for rows in (labelled, known)]
    alike = np.ptp(np.concatenate(losses)) < 1e-12
    higher = None if alike else ttest_ind(*losses, equal_var=False, alternative="greater")
    other = ttest_1samp(labelled[LOSS] - loss, 0)
    wrong = [find_errors(rows, expectation, task=task, threshold=threshold) for rows in (known, labelled)]
    return {
        "loss": _known(higher),
        "calibration": Outcome(float(to_one_side), float(2 * norm.sf(abs(to_one_side)))),
        "surprise": _known(other),
        "loss_distribution": detectors.test_losses(*rank_losses(known, labelled)),
        "errors": detectors.test_errors(*wrong),
    }


def _known(found) -> Outcome:
    # Losses that are all alike have no t: they are no evidence of a change.
    if found is None:
        return Outcome(0.0, 1.0)
    return Outcome(float(np.nan_to_num(found.statistic)), float(np.nan_to_num(found.pvalue, nan=1.0)))
