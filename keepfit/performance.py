"""Performance: how a window of labelled rows differs from the reference in what the model gets wrong.

A loss that rises need not be the model's fault: some times are harder, and a model that says so is fit. So
beside the loss itself two things are watched that only an outdated model shows: labels that lie to one side
of the scores (calibration), and a loss other than the one that the scores themselves foretell (surprise).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from keepfit.evidence import LOSS
from keepfit.features import LABEL
from keepfit.losses import row_losses
from keepfit.objective import Objective
from keepfit.scores import SCORE, find_hits, read_scores
from keepfit.section import Task

BINS = 10
# Where every answer is off by some amount, an error is a loss as large as the worst tenth of the reference's.
LARGE = 0.9


@dataclass(frozen=True)
class Expectation:
    """What a model's scores foretell: its mean loss, and the spread of labels about them, in bins by score."""

    edges: np.ndarray
    losses: np.ndarray
    biases: np.ndarray
    variances: np.ndarray
    large: float

    def of(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the expected loss, label minus score, and its variance of each row."""
        places = np.searchsorted(self.edges, scores, side="right")
        return self.losses[places], self.biases[places], self.variances[places]


def learn_expectation(reference: pd.DataFrame) -> Expectation:
    """Return what the labelled rows of the reference say of each score, in up to ten bins of equal count."""
    known = reference[reference[LABEL].notna()]
    scores, residuals = known[SCORE].to_numpy(), (outcomes(known) - known[SCORE]).to_numpy()
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, BINS + 1)[1:-1]))
    edges = edges[edges > scores.min()]
    places = np.searchsorted(edges, scores, side="right")
    rows = np.bincount(places, minlength=len(edges) + 1)
    means = [
        np.bincount(places, weights=values, minlength=len(rows)) / np.maximum(rows, 1)
        for values in (known[LOSS].to_numpy(), residuals, residuals**2)
    ]
    return Expectation(edges, means[0], means[1], means[2], large=float(np.quantile(known[LOSS], LARGE)))


def outcomes(rows: pd.DataFrame) -> pd.Series:
    """Return what scores foretell: the label, or of several classes whether the row is of the likeliest one."""
    hits = find_hits(rows, rows[LABEL])
    return rows[LABEL] if hits is None else hits


def expect(
    scores: np.ndarray, expectation: Expectation, objective: Objective, *, task: Task, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each row's expected loss, label minus score, and the variance of the latter.

    Probabilities say all three themselves; amounts are taken as the reference's rows of like score turned out.
    """
    if task == "regression":
        return expectation.of(scores)
    if scores.ndim == 2:
        of_each = [
            row_losses(np.full(len(scores), number), scores, objective, threshold=threshold)
            for number in range(scores.shape[1])
        ]
        likeliest_score = scores.max(axis=1)
        return (
            (scores * np.array(of_each).T).sum(axis=1),
            np.zeros(len(scores)),
            likeliest_score * (1 - likeliest_score),
        )
    of_yes, of_no = (
        row_losses(np.full(len(scores), label), scores, objective, threshold=threshold) for label in (1.0, 0.0)
    )
    return scores * of_yes + (1 - scores) * of_no, np.zeros(len(scores)), scores * (1 - scores)


def find_errors(rows: pd.DataFrame, expectation: Expectation, *, task: Task, threshold: float) -> np.ndarray:
    """Return which labelled rows were answered wrongly, or for an amount worse than nine tenths of the reference."""
    if task == "regression":
        return (rows[LOSS] > expectation.large).to_numpy()
    if task == "multiclass":
        return (outcomes(rows) == 0).to_numpy()
    return ((rows[SCORE] >= threshold) != (rows[LABEL] == 1)).to_numpy()


def rank_losses(reference: pd.DataFrame, window: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the ranks of the losses of both, equal losses in a drawn order.

    SciPy's Cramér-von Mises takes two samples of many equal values, such as costs, for different ones.
    """
    pooled = np.concatenate([reference[LOSS], window[LOSS]])
    drawn = np.random.default_rng(len(pooled)).permutation(len(pooled))
    ranks = np.empty(len(pooled))
    ranks[np.lexsort((drawn, pooled))] = np.arange(len(pooled))
    return ranks[: len(reference)], ranks[len(reference) :]


def measure_performance(
    reference: pd.DataFrame, window: pd.DataFrame, objective: Objective, *, task: Task, threshold: float
) -> dict[str, float]:
    """Return the five statistics of performance of a window's labelled rows against the reference's.

    loss: rise of the mean loss. calibration: sum of label minus score in its standard deviations. surprise: mean
    of the loss minus the loss that the scores foretell. loss_distribution: Cramér-von Mises statistic of the
    losses. errors: rise of the share of errors.
    """
    from scipy.stats import cramervonmises_2samp

    expectation = learn_expectation(reference)
    scores = read_scores(window, objective.classes)
    loss, bias, variance = expect(scores, expectation, objective, task=task, threshold=threshold)
    residuals = (outcomes(window) - window[SCORE]).to_numpy() - bias
    wrong, usual = (find_errors(rows, expectation, task=task, threshold=threshold) for rows in (window, reference))
    ranks = rank_losses(reference, window)
    return {
        "loss": float(window[LOSS].mean() - reference[LOSS].mean()),
        "calibration": float(residuals.sum() / np.sqrt(max(variance.sum(), 1e-12))),
        "surprise": float((window[LOSS] - loss).mean()),
        "loss_distribution": float(cramervonmises_2samp(*ranks, method="asymptotic").statistic),
        "errors": float(wrong.mean() - usual.mean()),
    }
