"""Profile: what the raw columns of a model's training rows held, by which new rows are taken for broken or not."""

from typing import TYPE_CHECKING

from keepfit.dataset import Dataset
from keepfit.rows import read_column
from keepfit.section import Section

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from keepfit.rows import Rows

# A column with more categories than this is text or an identifier: new ones are its nature.
MANY = 1000
# A column of numbers stands still where more than this share of them repeats the one before.
STILL = 0.9


class ColumnProfile(Section):
    """What a raw column held: its largest share missing in a window, its ends, its categories, whether it moves."""

    missing: float
    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] | None = None
    moves: bool = False


class Profile(Section):
    """The raw columns that a model needs, and how many rows a day its calmest and its busiest window had."""

    columns: dict[str, ColumnProfile]
    calmest: float
    busiest: float


def draw_profile(rows: "Rows", dataset: Dataset, names: list[str], window: int | str) -> Profile:
    """Return the profile of typed raw rows in time order, of which a column is looked at at a time."""
    import numpy as np

    from keepfit.evidence import cut_windows

    times = read_column(rows, dataset.time)
    windows = cut_windows(times, window) or [np.arange(len(rows))]
    rates = [rows_a_day(times.iloc[each], window) for each in windows]
    return Profile(
        columns={name: _profile(read_column(rows, name), windows) for name in names if name != dataset.time},
        calmest=min(rates),
        busiest=max(rates),
    )


def _profile(values: "pd.Series", windows: "list[np.ndarray]") -> ColumnProfile:
    import pandas as pd

    missing = max(float(values.iloc[each].isna().mean()) for each in windows)
    if isinstance(values.dtype, pd.CategoricalDtype):
        kept = sorted(map(str, values.dropna().unique()))
        return ColumnProfile(missing=missing, categories=tuple(kept) if len(kept) <= MANY else None)
    if pd.api.types.is_datetime64_any_dtype(values):
        return ColumnProfile(missing=missing)
    numbers = values.astype(float)
    if numbers.notna().sum() == 0:
        return ColumnProfile(missing=missing)
    moves = all((numbers.iloc[each].diff() == 0).mean() < STILL for each in windows)
    return ColumnProfile(missing=missing, low=float(numbers.min()), high=float(numbers.max()), moves=moves)


def rows_a_day(times: "pd.Series", window: int | str) -> float:
    """Return how many rows a day there are in a window of these rows."""
    from keepfit.evidence import days_in_window

    days = days_in_window(times, window if isinstance(window, str) else len(times))
    return len(times) / max(days, 1e-9)
