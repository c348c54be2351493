"""Rules: the raw rows of a chunk with their types, and those that cannot be scored with their reasons.

The reasons are those of keepfit.validate, as far as one row alone can break them. A category that is new is scored, as
over HTTP.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keepfit.cells import as_category
from keepfit.columns import find_unreadable, keep_exact, parse_column, require

if TYPE_CHECKING:
    from keepfit.dataset import Column
    from keepfit.passport import Request


@dataclass(frozen=True)
class Judged:
    """Typed rows that can be scored, under the index of the chunk, and the reasons against the others."""

    valid: pd.DataFrame
    reasons: pd.Series


def judge(raw: pd.DataFrame, request: "Request", newest: pd.Timestamp | None = None) -> Judged:
    """Type the rows and set aside those that break a rule; raise MissingColumn.

    `newest` is the time that rows which look back on each other must not come before.
    """
    require(raw, list(request.columns))
    types = {name: _type(raw[name], column) for name, column in request.columns.items()}
    typed = pd.DataFrame(types, index=raw.index, copy=False)
    reasons = pd.Series("", index=raw.index, dtype=object)
    for name, column in request.columns.items():
        for rule, broken in _broken(raw[name], typed[name], column):
            _add(reasons, broken, f"{name}: {rule}")
    if request.look_back and request.time:
        times = typed[request.time].where(reasons == "")
        latest = times.cummax().ffill()
        if newest is not None:
            latest = latest.fillna(newest).clip(lower=newest)
        _add(reasons, (times < latest).to_numpy(), f"{request.time}: out of order")
    bad = reasons != ""
    return Judged(typed[~bad] if bad.any() else typed, reasons[bad])


def _add(reasons: pd.Series, broken: np.ndarray, reason: str) -> None:
    if broken.any():
        said = reasons[broken]
        reasons[broken] = said.where(said == "", said + "; ") + reason


def _broken(raw: pd.Series, typed: pd.Series, column: "Column"):
    missing = typed.isna().to_numpy()
    if missing.any():
        unreadable = np.zeros(len(raw), dtype=bool)
        for reason, rows in find_unreadable(raw, typed, column):
            unreadable[rows] = True
            yield reason, np.isin(np.arange(len(raw)), rows)
        if not column.nullable:
            yield "missing", missing & ~unreadable
    if column.type in ("int", "float"):
        values = typed.to_numpy()
        yield "infinite", np.isinf(values)
        if column.min is not None:
            yield f"below {column.min:g}", values < column.min
        if column.max is not None:
            yield f"above {column.max:g}", values > column.max


def _type(values: pd.Series, column: "Column") -> pd.Series:
    if column.type == "category":
        return _type_category(values)
    # What has its type already, as a Parquet file's columns do, is not looked at value by value.
    if column.type in ("int", "float") and pd.api.types.is_integer_dtype(values) and not values.isna().any():
        numbers = values.astype(float)
        return keep_exact(numbers) if column.type == "int" else numbers
    if column.type == "float" and pd.api.types.is_float_dtype(values):
        return values.astype(float)
    if column.type == "datetime" and column.format is None and str(values.dtype) == "datetime64[ns, UTC]":
        return values.dt.tz_localize(None)
    return parse_column(values, column)


def _type_category(values: pd.Series) -> pd.Series:
    # A text at a time and not a row at a time.
    if not isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype("category")
    texts = [as_category(each) for each in values.cat.categories]
    codes = values.cat.codes.to_numpy()
    if len(set(texts)) == len(texts) and None not in texts:
        return pd.Series(pd.Categorical.from_codes(codes, categories=texts), index=values.index)
    spread = np.array([*texts, None], dtype=object)[codes]
    return pd.Series(spread, index=values.index).astype("category")
