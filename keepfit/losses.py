"""Losses: one number a row, so that two models are compared on the same rows, pair by pair.

Scores are probabilities of label 1 for a binary task, predictions for a regression, and one probability
a class, (rows, classes), for a multiclass task; its labels are the numbers of the classes from 0.
"""

import numpy as np

from keepfit.objective import ClassCost, DecisionCost, ErrorCost, Loss, Objective

Array = np.ndarray


def row_losses(
    labels: Array, scores: Array, objective: Objective, *, threshold: float, loss: Loss | None = None
) -> Array:
    """Return each row's loss, the objective's own or the one named; a score of `threshold` or more is a yes."""
    match loss or objective.metric:
        case "log_loss" if scores.ndim == 2:
            return -np.log(np.clip(scores[np.arange(len(labels)), _numbers(labels)], 1e-7, 1))
        case "brier" if scores.ndim == 2:
            return ((scores - np.eye(scores.shape[1])[_numbers(labels)]) ** 2).sum(axis=1)
        case "log_loss":
            kept = np.clip(scores, 1e-7, 1 - 1e-7)
            return -np.log(np.where(labels == 1, kept, 1 - kept))
        case "brier" | "squared_error":
            return (scores - labels) ** 2
        case "absolute_error":
            return np.abs(scores - labels)
        case _:
            return row_costs(labels, scores, cost=objective.cost, threshold=threshold)


def _numbers(labels: Array) -> Array:
    # A label that is not known yet has some loss here, which whoever asks for it leaves out.
    return np.nan_to_num(labels).astype(int)


def cheapest_classes(scores: Array, mistakes: Array) -> Array:
    """Return the number of the class whose choice is expected to cost least, for each row.

    `mistakes` is (true classes, chosen ones). Elkan, The Foundations of Cost-Sensitive Learning (2001).
    """
    return (scores @ mistakes).argmin(axis=1)


def row_costs(labels: Array, scores: Array, *, cost: DecisionCost | ErrorCost | ClassCost, threshold: float) -> Array:
    """Return what each row costs, in the objective's unit."""
    if isinstance(cost, ClassCost):
        mistakes = np.array(cost.matrix)
        return mistakes[_numbers(labels), cheapest_classes(scores, mistakes)]
    if isinstance(cost, ErrorCost):
        error = scores - labels
        return np.where(error > 0, cost.over * error, -cost.under * error)
    yes, true = scores >= threshold, labels == 1
    return np.select(
        [yes & true, yes & ~true, ~yes & true],
        [cost.true_positive, cost.false_positive, cost.false_negative],
        cost.true_negative,
    ).astype(float)


def most_gains(labels: Array, objective: Objective) -> Array:
    """Return the least that each row can cost where the right decision earns, a negative amount, and 0 elsewhere.

    A loss less this is never negative, so that a share of it has a meaning.
    """
    cost = objective.cost
    if objective.metric != "cost" or not isinstance(cost, DecisionCost):
        return np.zeros(len(labels))
    return np.minimum(np.where(labels == 1, cost.true_positive, cost.true_negative), 0.0)


def cheapest_threshold(labels: Array, scores: Array, cost: DecisionCost) -> float:
    """Return the score from which a yes is cheapest on these rows, halfway between two scores.

    Every distinct score is tried; of equally cheap ones the nearest to the threshold that right
    probabilities would have is taken. Elkan, The Foundations of Cost-Sensitive Learning (2001).
    """
    order = np.argsort(scores, kind="stable")
    ranked, true = scores[order], labels[order] == 1
    of_yes = np.where(true, cost.true_positive, cost.false_positive)
    of_no = np.where(true, cost.false_negative, cost.true_negative)
    totals = np.concatenate([[0.0], np.cumsum(of_no)]) + np.concatenate([np.cumsum(of_yes[::-1])[::-1], [0.0]])
    # The next float: a border must lie above the score that it turns away, be that 1 or next to another.
    above = np.nextafter(ranked, 2.0)
    halfway = (ranked[1:] + ranked[:-1]) / 2
    borders = np.concatenate([[0.0], np.maximum(halfway, above[:-1]), [max(1.0, above[-1])]])
    possible = np.concatenate([[True], ranked[1:] > ranked[:-1], [True]])
    cheapest = borders[possible & (totals <= totals[possible].min())]
    return float(cheapest[np.argmin(np.abs(cheapest - cost.threshold))])
