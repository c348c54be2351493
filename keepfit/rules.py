"""Rules: what a row breaks by itself, and what it breaks by the rows before it in its table.

A table is judged part by part. What the rules on other rows need of a part is compact: its times, and a hash of each
row's values that must not repeat. Parts in whatever number give the faults of the whole.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keepfit.columns import find_unreadable, parse
from keepfit.dataset import Column, Dataset

if TYPE_CHECKING:
    from pandera.pandas import DataFrameSchema

# The hash of a row without any of the values that must not repeat.
BLANK = np.uint64(0)
Look = Callable[[np.ndarray, list[str]], pd.DataFrame]


@dataclass(frozen=True)
class Judged:
    """What is known of a part's rows: their own faults, their times, and a hash by rule of uniqueness."""

    faults: pd.DataFrame
    times: np.ndarray
    hashes: dict[str, np.ndarray]


def build_schema(dataset: Dataset) -> "DataFrameSchema":
    """Return the pandera schema of a dataset's typed columns; each check is named by its rule."""
    import pandera.pandas as pa

    return pa.DataFrameSchema(
        {
            name: pa.Column(None, _checks(column, pa.Check), nullable=column.nullable)
            for name, column in dataset.columns.items()
        }
    )


def judge(raw: pd.DataFrame, dataset: Dataset) -> tuple[pd.DataFrame, Judged]:
    """Return the typed rows of a part, and what is known of them. Raises MissingColumn."""
    typed = parse(raw, dataset.columns)
    hashes = {rule: _hash(typed[names]) for rule, names in _unique(dataset).items()}
    return typed, Judged(_find_own_faults(raw, typed, dataset), typed[dataset.time].to_numpy(), hashes)


def find_faults(parts: list[Judged], dataset: Dataset, look: Look) -> pd.DataFrame:
    """Return a row for each broken rule, in order: `row` (position in the table), `reason` (column: rule).

    `look` gives typed columns of the rows at ascending positions.
    """
    faults = [part.faults for part in parts]
    for rule, names in _unique(dataset).items():
        hashes = np.concatenate([part.hashes[rule] for part in parts])
        faults.append(_named(_find_repeats(hashes, names, look), f"{rule}: duplicate"))
    if dataset.ordered:
        faults.append(_named(_find_steps_back(read_times(parts)), f"{dataset.time}: out of order"))
    return pd.concat(faults).drop_duplicates().sort_values(["row", "reason"])


def read_times(parts: list[Judged]) -> np.ndarray:
    """Return the times of all rows, in the order of the table."""
    return np.concatenate([part.times for part in parts])


def _checks(column: Column, check: Any) -> list[Any]:
    rules = []
    if column.type in ("int", "float"):
        rules.append(check(np.isfinite, error="infinite"))
    if column.min is not None:
        rules.append(check.ge(column.min, error=f"below {column.min:g}"))
    if column.max is not None:
        rules.append(check.le(column.max, error=f"above {column.max:g}"))
    if column.allowed is not None:
        rules.append(check.isin(column.allowed, error="not an allowed value"))
    return rules


def _unique(dataset: Dataset) -> dict[str, list[str]]:
    """Return the columns whose values must not repeat together, by what a fault calls them."""
    single = {name: [name] for name, column in dataset.columns.items() if column.unique}
    return single | ({", ".join(dataset.keys): list(dataset.keys)} if dataset.keys else {})


def _find_own_faults(raw: pd.DataFrame, typed: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    table = pd.concat(
        [_named(np.empty(0, dtype=int), ""), *_unparsable(raw, typed, dataset), *_broken_rules(typed, dataset)]
    )
    unreadable = table.reason.str.extract(r"^(.*): not ", expand=False)
    known = set(zip(table.row, unreadable, strict=True))
    repeated = [
        reason.endswith(": missing") and (row, reason.removesuffix(": missing")) in known
        for row, reason in zip(table.row, table.reason, strict=True)
    ]
    return table[~np.array(repeated, dtype=bool)]


def _unparsable(raw: pd.DataFrame, typed: pd.DataFrame, dataset: Dataset) -> list[pd.DataFrame]:
    return [
        _named(raw.index[rows].to_numpy(), f"{name}: {reason}")
        for name, column in dataset.columns.items()
        for reason, rows in find_unreadable(raw[name], typed[name], column)
    ]


def _broken_rules(typed: pd.DataFrame, dataset: Dataset) -> list[pd.DataFrame]:
    from pandera.errors import SchemaErrors

    try:
        build_schema(dataset).validate(typed, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
    else:
        return []
    rules = cases.check.replace({"not_nullable": "missing"})
    return [pd.DataFrame({"row": cases["index"].astype(int), "reason": cases.column + ": " + rules})]


def _hash(keys: pd.DataFrame) -> np.ndarray:
    # Two zeros are equal, and so are all NaNs, whatever their bits.
    alike = {name: keys[name].where(keys[name].notna()) + 0.0 for name in keys.select_dtypes("number")}
    hashes = pd.util.hash_pandas_object(keys.assign(**alike), index=False).to_numpy()
    return np.where(keys.isna().all(axis=1), BLANK, np.maximum(hashes, BLANK + np.uint64(1)))


def _find_repeats(hashes: np.ndarray, names: list[str], look: Look) -> np.ndarray:
    ordered = np.sort(hashes[hashes != BLANK])
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(repeated):
        return np.empty(0, dtype=int)
    # Equal hashes are not yet equal values.
    rows = np.flatnonzero(pd.Series(hashes).isin(np.unique(repeated)).to_numpy())
    return rows[look(rows, names).duplicated().to_numpy()]


def _find_steps_back(times: np.ndarray) -> np.ndarray:
    values = pd.Series(times)
    return np.flatnonzero((values < values.cummax().ffill()).to_numpy())


def _named(rows: np.ndarray, reason: str) -> pd.DataFrame:
    return pd.DataFrame({"row": rows, "reason": reason})
