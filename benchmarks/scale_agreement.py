"""Agreement: whether two ways to validate and compute features gave the same tables, column by column."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

KEYS = ["scheduled", "carrier", "flight", "origin"]
TOLERANCE = 1e-9


def compare_tables(one: Path, other: Path) -> dict[str, Any]:
    """Return how the tables in two folders compare: rows set aside, and the largest difference of a feature.

    Rows are matched by their keys, and one column at a time is in memory. `agrees` is whether as many rows are set
    aside, texts and missing values are the same and no number differs by more than 1e-9.
    """
    aside = [pq.read_metadata(folder / "quarantine.parquet").num_rows for folder in (one, other)]
    rows = [pq.read_metadata(folder / "features.parquet").num_rows for folder in (one, other)]
    found = {"set_aside": aside[0], "set_aside_by_keepfit": aside[1], "rows": rows[0]}
    if rows[0] != rows[1]:
        return {**found, "agrees": False}
    orders = [_order(folder / "features.parquet") for folder in (one, other)]
    names = pq.read_schema(other / "features.parquet").names
    differences = {name: _difference(name, (one, other), orders) for name in names}
    largest = max(differences, key=lambda name: differences[name])
    agrees = aside[0] == aside[1] and differences[largest] <= TOLERANCE
    return {**found, "largest_difference": differences[largest], "of": largest, "agrees": bool(agrees)}


def _order(path: Path) -> np.ndarray:
    keys = pd.read_parquet(path, columns=KEYS)
    times = keys.scheduled.dt.tz_localize(None) if keys.scheduled.dt.tz is None else keys.scheduled.dt.tz_convert(None)
    texts = [pd.Categorical(keys[name], categories=sorted(set(keys[name]))).codes for name in ("origin", "carrier")]
    return np.lexsort([*texts, keys.flight.to_numpy(), times.to_numpy()])


def _difference(name: str, folders: tuple[Path, Path], orders: list[np.ndarray]) -> float:
    values = [
        pd.read_parquet(folder / "features.parquet", columns=[name])[name].iloc[order].reset_index(drop=True)
        for folder, order in zip(folders, orders, strict=True)
    ]
    if pd.api.types.is_numeric_dtype(values[0]) and pd.api.types.is_numeric_dtype(values[1]):
        numbers = [each.to_numpy(float) for each in values]
        if (np.isnan(numbers[0]) != np.isnan(numbers[1])).any():
            return float("inf")
        return float(np.nanmax(np.abs(numbers[0] - numbers[1]), initial=0.0))
    if pd.api.types.is_datetime64_any_dtype(values[1]):
        values = [pd.to_datetime(each, utc=True).astype("datetime64[ns, UTC]") for each in values]
    same = (values[0].astype("object") == values[1].astype("object")) | (values[0].isna() & values[1].isna())
    return 0.0 if same.all() else float("inf")
