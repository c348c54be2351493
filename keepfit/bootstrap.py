"""Bootstrap: intervals that hold although neighbouring rows are alike.

Rows are drawn in blocks of consecutive time, so that what depends on each other stays together:
Carlstein, The use of subseries values for estimating the variance of a general statistic from a
stationary sequence, Annals of Statistics 14 (1986).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from keepfit.spans import parse_span


@dataclass(frozen=True)
class Blocks:
    """The block that each row belongs to, numbered from 0, and how many blocks there are."""

    of_row: np.ndarray
    count: int


def cut_blocks(times: pd.Series, span: int | str) -> Blocks:
    """Return blocks of `span` rows, or of `span` of time from the first row on, empty ones left out."""
    parsed = parse_span(span)
    if isinstance(parsed, int):
        numbers = np.arange(len(times)) // max(parsed, 1)
    else:
        numbers = ((times - times.min()) // parsed).to_numpy()
    _, of_row = np.unique(numbers, return_inverse=True)
    return Blocks(of_row=of_row, count=int(of_row.max()) + 1 if len(of_row) else 0)


def resample_means(values: np.ndarray, blocks: Blocks, *, resamples: int, seed: int) -> np.ndarray:
    """Return `resamples` means of the values, each over as many blocks drawn with replacement."""
    sums = np.bincount(blocks.of_row, weights=values, minlength=blocks.count)
    rows = np.bincount(blocks.of_row, minlength=blocks.count)
    draws = np.random.default_rng(seed).multinomial(blocks.count, np.full(blocks.count, 1 / blocks.count), resamples)
    return (draws @ sums) / (draws @ rows)
