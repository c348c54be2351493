"""Windows: rolling values that depend on the window alone, to the last bit, however long the table is.

`Series.rolling` updates running sums, so its last digits depend on where the table starts; training
on years and scoring the last hundred rows would then differ.
"""

import numpy as np
import pandas as pd


def windows(values: pd.Series, size: int) -> np.ndarray:
    """Return an array (rows, size): each row's last `size` values, NaN where the table starts later."""
    padded = np.concatenate([np.full(size - 1, np.nan), np.asarray(values, dtype=float)])
    return np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(padded, size))


def mean(values: pd.Series, size: int) -> np.ndarray:
    """Return the mean of each row's last `size` values, NaN where one of them is missing."""
    return windows(values, size).sum(axis=1) / size


def deviation(values: pd.Series, size: int) -> np.ndarray:
    """Return the root mean square of each row's last `size` values about zero."""
    return np.sqrt((windows(values, size) ** 2).sum(axis=1) / size)


def highest(values: pd.Series, size: int) -> np.ndarray:
    """Return the largest of each row's last `size` values, NaN where one of them is missing."""
    return windows(values, size).max(axis=1)
