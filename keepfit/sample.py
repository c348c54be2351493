"""Sample: which of the labelled rows are taken where there are more than an estimator may hold in memory."""

import numpy as np

from keepfit.section import Task

# Of amounts, rows are drawn from each of so many bins of equal count.
BINS = 10


def draw_sample(labels: np.ndarray, *, count: int, task: Task, seed: int) -> np.ndarray:
    """Return the sorted positions of at most `count` of the labels, which are in time order and without NaN.

    The rows of each class, or of each bin of amounts, are cut into runs of equal length, and one is drawn from each
    run. So every class that was there is there still, and every stretch of time has its share of each class, give
    or take two rows.
    """
    if len(labels) <= count:
        return np.arange(len(labels))
    generator = np.random.default_rng(seed)
    strata = _bin(labels) if task == "regression" else labels
    _, of_row, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    by_kind = np.split(np.argsort(of_row, kind="stable"), np.cumsum(sizes)[:-1])
    quotas = _allot(sizes, count)
    drawn = [rows[_draw(len(rows), quota, generator)] for rows, quota in zip(by_kind, quotas, strict=True)]
    return np.sort(np.concatenate(drawn))


def _bin(amounts: np.ndarray) -> np.ndarray:
    edges = np.unique(np.quantile(amounts, np.linspace(0, 1, BINS + 1)[1:-1]))
    return np.searchsorted(edges, amounts, side="right")


def _allot(sizes: np.ndarray, count: int) -> np.ndarray:
    """Return how many rows each kind is given: its share by the largest remainder, and never none."""
    shares = sizes * (count / sizes.sum())
    quotas = np.maximum(np.floor(shares).astype(int), 1)
    spare = max(count - int(quotas.sum()), 0)
    quotas[np.argsort(quotas - shares, kind="stable")[:spare]] += 1
    while quotas.sum() > count:
        quotas[quotas.argmax()] -= 1
    return quotas


def _draw(rows: int, count: int, generator: np.random.Generator) -> np.ndarray:
    borders = np.arange(count + 1) * rows // count
    return generator.integers(borders[:-1], borders[1:])
