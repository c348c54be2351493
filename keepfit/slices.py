"""Slices: the parts of a holdout that are judged on their own."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from keepfit.errors import MissingColumn, SettingsError
from keepfit.objective import Slice


@dataclass(frozen=True)
class Part:
    """The rows of one slice (a mask), its name and how much worse its loss may be, as a share."""

    name: str
    rows: np.ndarray
    tolerance: float


def slice_rows(features: pd.DataFrame, slices: tuple[Slice, ...]) -> list[Part]:
    """Return the parts that the slices cut the rows into, empty ones left out.

    Raises MissingColumn and SettingsError.
    """
    parts = []
    for each in slices:
        if each.column not in features:
            raise MissingColumn(f"objective.slices: {each.column!r} is not a feature: {', '.join(features)}")
        values = features[each.column]
        if each.edges and not pd.api.types.is_numeric_dtype(values):
            raise SettingsError(f"objective.slices: {each.column!r} holds categories; edges are for numbers")
        if each.edges:
            values = pd.cut(values, [-np.inf, *sorted(set(each.edges)), np.inf])
        for value in sorted(values.dropna().unique(), key=str):
            mask = (values == value).to_numpy()
            parts.append(Part(name=f"{each.column} {value}", rows=mask, tolerance=each.tolerance))
    return parts
