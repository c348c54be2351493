"""Validate: rows that break a rule are set aside with their reasons; too many of them stop the run."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from keepfit.columns import settle_types
from keepfit.dataset import REASONS, ROW_HASH, Dataset
from keepfit.errors import EmptyTable, QuotaExceeded, RepairError, StaleData
from keepfit.repairs import apply_repairs, hash_rows
from keepfit.rules import find_faults, judge
from keepfit.spans import parse_span
from keepfit.tables import Table, spans
from keepfit.times import end_of

# Rows of the quarantine that are looked at together for a sample of them.
ROWS = 10_000


@dataclass(frozen=True)
class Validation:
    """Typed rows in time order, raw rows that were set aside, and the counts behind both."""

    valid: pd.DataFrame
    quarantine: pd.DataFrame
    report: dict[str, Any]


def validate(raw: pd.DataFrame, dataset: Dataset, repairs: pd.DataFrame | None = None) -> Validation:
    """Return the rows that keep every rule, typed and in time order, and the others with their reasons.

    `repairs` (columns `row_hash` and the dataset's) replaces raw rows first. Raises MissingColumn.
    """
    source = raw.reset_index(drop=True)
    typed, judged = judge(apply_repairs(source, repairs, dataset), dataset)
    faults = find_faults([judged], dataset, lambda rows, names: typed.iloc[rows][names])
    reasons = join_reasons(faults)
    quarantine = set_aside(source.loc[reasons.index], reasons, dataset, repairs)
    valid = typed.iloc[sort_valid(judged.times, reasons.index.to_numpy())]
    return Validation(
        valid=_forget_unused(valid).reset_index(drop=True),
        quarantine=settle_types(quarantine).reset_index(drop=True),
        report=count(faults, len(raw), len(reasons), list(map(str, raw.columns)), dataset),
    )


def replay(
    raw: pd.DataFrame, repairs: pd.DataFrame | None, rows: pd.DataFrame, dataset: Dataset
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return which of `rows` (by `row_hash`) pass with these repairs, and the others with their reasons.

    They are judged in the whole table: a duplicate or a row out of order is one only there. Raises MissingColumn,
    and RepairError where rows are set aside that would not be without the repairs of `rows`.
    """
    found = validate(raw, dataset, repairs)
    ours = found.quarantine[ROW_HASH].isin(rows[ROW_HASH])
    refused, others = found.quarantine[ours], found.quarantine[~ours]
    if repairs is not None and not others.empty:
        before = validate(raw, dataset, repairs[~repairs[ROW_HASH].isin(rows[ROW_HASH])]).quarantine
        refuse_losses(others[~others[ROW_HASH].isin(before[ROW_HASH])])
    return rows[~rows[ROW_HASH].isin(refused[ROW_HASH])], refused


def refuse_losses(lost: pd.DataFrame) -> None:
    """Raise RepairError where there are good rows that repairs of others would set aside."""
    if not lost.empty:
        raise RepairError(
            f"{len(lost)} rows that keep the rules would be set aside, most often by {lost[REASONS].mode()[0]!r}; "
            "allowed: mended rows that cost no others. Nothing was taken in"
        )


def join_reasons(faults: pd.DataFrame) -> pd.Series:
    """Return the reasons of each faulty row in one text, by its position."""
    several = faults.row.duplicated(keep=False)
    alone, together = faults[~several], faults[several]
    return pd.concat([alone.set_index("row")["reason"], together.groupby("row")["reason"].agg("; ".join)]).sort_index()


def set_aside(source: pd.DataFrame, reasons: pd.Series, dataset: Dataset, repairs: pd.DataFrame | None) -> pd.DataFrame:
    """Return raw rows as they stand in quarantine: repaired, with their hash and their reasons.

    A repaired row that is still bad keeps the hash of the source's row, so that it can be mended again.
    """
    hashes = hash_rows(source, dataset)
    return apply_repairs(source, repairs, dataset).assign(**{ROW_HASH: hashes, REASONS: reasons})


def sort_valid(times: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """Return the positions of the rows that are not bad in the order of time, equal times as they came."""
    good = np.delete(np.arange(len(times)), bad)
    kept = times[good]
    return good if (kept[1:] >= kept[:-1]).all() else good[np.argsort(kept, kind="stable")]


def count(faults: pd.DataFrame, rows: int, aside: int, columns: list[str], dataset: Dataset) -> dict[str, Any]:
    """Return the report of a validation."""
    return {
        "rows": rows,
        "valid": rows - aside,
        "quarantined": aside,
        "share_quarantined": aside / max(rows, 1),
        "reasons": {str(k): int(n) for k, n in faults["reason"].value_counts().sort_index().items()},
        "undeclared_columns": sorted(set(columns) - set(dataset.columns)),
    }


def enforce_quota(report: dict[str, Any], quarantine: pd.DataFrame | Table, dataset: Dataset, quota: float) -> None:
    """Raise QuotaExceeded where more than the share `quota` was set aside, EmptyTable where no row is left."""
    if report["share_quarantined"] > quota:
        reason, times = max(report["reasons"].items(), key=lambda item: item[1])
        names = list(dict.fromkeys([*dataset.keys, _column(reason, dataset)]))
        raise QuotaExceeded(
            f"{report['quarantined']} of {report['rows']} rows set aside, validate.quota allows "
            f"{quota:.2%}; most often by {reason!r} ({times} rows, such as "
            f"{_first_broken(quarantine, reason)[names].to_dict('records')}). `keepfit quarantine` lists them"
        )
    if not report["valid"]:
        raise EmptyTable("no row is left after validation; `keepfit quarantine` tells why")


def enforce_freshness(newest: pd.Timestamp, dataset: Dataset, *, now: pd.Timestamp) -> None:
    """Raise StaleData where the newest row is more than `dataset.freshness` older than the cut-off (or `now`)."""
    if dataset.freshness is None:
        return
    due = min(end_of(dataset.until), now)
    if due - newest > pd.Timedelta(parse_span(dataset.freshness)):
        raise StaleData(f"dataset.freshness: newest row is of {newest}, more than {dataset.freshness} before {due}")


def _first_broken(quarantine: pd.DataFrame | Table, reason: str, wanted: int = 3) -> pd.DataFrame:
    found: list[pd.DataFrame] = []
    for span in spans(len(quarantine), ROWS):
        part = quarantine[span]
        found.append(part[part[REASONS].str.split("; ").map(lambda reasons: reason in reasons)].head(wanted))
        if sum(map(len, found)) >= wanted:
            break
    return pd.concat(found).head(wanted)


def _column(reason: str, dataset: Dataset) -> str:
    return max((name for name in dataset.columns if reason.startswith((f"{name}: ", f"{name}, "))), key=len)


def _forget_unused(valid: pd.DataFrame) -> pd.DataFrame:
    # A category that only quarantined rows had would change the bytes of the table without changing a row.
    kept = {name: valid[name].cat.remove_unused_categories() for name in valid.select_dtypes("category")}
    return valid.assign(**kept)
