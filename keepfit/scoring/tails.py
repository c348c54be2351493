"""Tails: the rows of one chunk on which those of the next may look back."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keepfit.entities import last_of_each, number_entities

if TYPE_CHECKING:
    from keepfit.passport import Request


def keep_last(rows: pd.DataFrame, request: "Request") -> pd.DataFrame:
    """Return the rows on which those to come may look back: the last ones, of each entity where there are such."""
    if request.entity is None:
        return rows.tail(request.look_back)
    return rows.iloc[last_of_each(number_entities(rows[request.entity]), request.look_back)]


def keep_needed(rows: pd.DataFrame, new: int, request: "Request") -> pd.DataFrame:
    """Return the rows without those of entities of which none of the last `new` rows is."""
    if request.entity is None:
        return rows
    codes = number_entities(rows[request.entity])
    return rows[np.isin(codes, np.unique(codes[len(rows) - new :]))]
