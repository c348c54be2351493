"""Validate: rows that break a rule are set aside with their reasons; too many of them stop the run."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keepfit.columns import parse, settle_types
from keepfit.dataset import Column, Dataset
from keepfit.errors import EmptyTable, QuotaExceeded, StaleData
from keepfit.repairs import ROW_HASH, apply_repairs, hash_rows
from keepfit.spans import parse_span
from keepfit.times import end_of

if TYPE_CHECKING:
    from pandera.pandas import DataFrameSchema

REASONS = "reasons"


@dataclass(frozen=True)
class Validation:
    """Typed rows in time order, raw rows that were set aside, and the counts behind both."""

    valid: pd.DataFrame
    quarantine: pd.DataFrame
    report: dict[str, Any]


def build_schema(dataset: Dataset) -> "DataFrameSchema":
    """Return the pandera schema of a dataset's typed columns; each check is named by its rule."""
    import pandera.pandas as pa

    return pa.DataFrameSchema(
        {
            name: pa.Column(
                None,
                _checks(column, pa.Check),
                nullable=column.nullable,
                unique=column.unique,
                report_duplicates="exclude_first",
            )
            for name, column in dataset.columns.items()
        },
        unique=list(dataset.keys) or None,
        report_duplicates="exclude_first",
    )


def validate(raw: pd.DataFrame, dataset: Dataset, repairs: pd.DataFrame | None = None) -> Validation:
    """Return the rows that keep every rule, typed and in time order, and the others with their reasons.

    `repairs` (columns `row_hash` and the dataset's) replaces raw rows first. Raises MissingColumn.
    """
    source = raw.reset_index(drop=True)
    raw = apply_repairs(source, repairs, dataset)
    typed = parse(raw, dataset.columns)
    faults = find_faults(raw, typed, dataset)
    reasons = faults.groupby("row")["reason"].agg("; ".join)
    # A repaired row that is still bad keeps the hash of the source's row, so that it can be mended again.
    hashes = hash_rows(source.loc[reasons.index], dataset)
    quarantine = settle_types(raw.loc[reasons.index]).assign(**{ROW_HASH: hashes, REASONS: reasons})
    valid = _forget_unused(typed.drop(index=reasons.index).sort_values(dataset.time, kind="stable"))
    return Validation(
        valid=valid.reset_index(drop=True),
        quarantine=quarantine.reset_index(drop=True),
        report={
            "rows": len(raw),
            "valid": len(valid),
            "quarantined": len(quarantine),
            "share_quarantined": len(quarantine) / max(len(raw), 1),
            "reasons": {str(k): int(n) for k, n in faults["reason"].value_counts().sort_index().items()},
            "undeclared_columns": sorted(set(map(str, raw.columns)) - set(dataset.columns)),
        },
    )


def replay(
    raw: pd.DataFrame, repairs: pd.DataFrame | None, rows: pd.DataFrame, dataset: Dataset
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return which of `rows` (by `row_hash`) pass with these repairs, and the others with their reasons.

    They are judged in the whole table: a duplicate or a row out of order is one only there. Raises MissingColumn.
    """
    found = validate(raw, dataset, repairs)
    refused = found.quarantine[found.quarantine[ROW_HASH].isin(rows[ROW_HASH])]
    return rows[~rows[ROW_HASH].isin(refused[ROW_HASH])], refused


def find_faults(raw: pd.DataFrame, typed: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Return a row for each broken rule: `row` (position), `reason` (column: rule)."""
    faults = [*_unparsable(raw, typed, dataset), *_broken_rules(typed, dataset)]
    if dataset.ordered:
        times = typed[dataset.time]
        faults.append(_named(times.index[times < times.cummax().ffill()], f"{dataset.time}: out of order"))
    table = pd.concat([_named(pd.Index([], dtype=int), ""), *faults]).drop_duplicates()
    unreadable = table.reason.str.extract(r"^(.*): not ", expand=False)
    known = set(zip(table.row, unreadable, strict=True))
    repeated = [
        reason.endswith(": missing") and (row, reason.removesuffix(": missing")) in known
        for row, reason in zip(table.row, table.reason, strict=True)
    ]
    return table[~np.array(repeated, dtype=bool)].sort_values(["row", "reason"])


def enforce_quota(validation: Validation, dataset: Dataset, quota: float) -> None:
    """Raise QuotaExceeded where more than the share `quota` was set aside, EmptyTable where no row is left."""
    report = validation.report
    if report["share_quarantined"] > quota:
        reason, count = max(report["reasons"].items(), key=lambda item: item[1])
        broken = validation.quarantine[REASONS].str.split("; ").map(lambda found: reason in found)
        sample = validation.quarantine.loc[broken, list(dict.fromkeys([*dataset.keys, _column(reason, dataset)]))]
        raise QuotaExceeded(
            f"{report['quarantined']} of {report['rows']} rows set aside, validate.quota allows "
            f"{quota:.2%}; most often by {reason!r} ({count} rows, such as "
            f"{sample.head(3).to_dict('records')}). `keepfit quarantine` lists them"
        )
    if validation.valid.empty:
        raise EmptyTable("no row is left after validation; `keepfit quarantine` tells why")


def enforce_freshness(valid: pd.DataFrame, dataset: Dataset, *, now: pd.Timestamp) -> None:
    """Raise StaleData where the newest row is more than `dataset.freshness` older than the cut-off (or `now`)."""
    if dataset.freshness is None:
        return
    newest, due = valid[dataset.time].max(), min(end_of(dataset.until), now)
    if due - newest > pd.Timedelta(parse_span(dataset.freshness)):
        raise StaleData(f"dataset.freshness: newest row is of {newest}, more than {dataset.freshness} before {due}")


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


def _unparsable(raw: pd.DataFrame, typed: pd.DataFrame, dataset: Dataset) -> list[pd.DataFrame]:
    return [
        _named(raw.index[raw[name].notna() & typed[name].isna()], f"{name}: not a value of type {column.type}")
        for name, column in dataset.columns.items()
    ]


def _broken_rules(typed: pd.DataFrame, dataset: Dataset) -> list[pd.DataFrame]:
    from pandera.errors import SchemaErrors

    try:
        build_schema(dataset).validate(typed, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
    else:
        return []
    names = {"not_nullable": "missing", "multiple_fields_uniqueness": "duplicate", "field_uniqueness": "duplicate"}
    keys = ", ".join(dataset.keys)
    column = cases.column.where(cases.check != "multiple_fields_uniqueness", keys)
    return [pd.DataFrame({"row": cases["index"].astype(int), "reason": column + ": " + cases.check.replace(names)})]


def _named(rows: pd.Index, reason: str) -> pd.DataFrame:
    return pd.DataFrame({"row": rows, "reason": reason})


def _column(reason: str, dataset: Dataset) -> str:
    return max((name for name in dataset.columns if reason.startswith((f"{name}: ", f"{name}, "))), key=len)


def _forget_unused(valid: pd.DataFrame) -> pd.DataFrame:
    # A category that only quarantined rows had would change the bytes of the table without changing a row.
    kept = {name: valid[name].cat.remove_unused_categories() for name in valid.select_dtypes("category")}
    return valid.assign(**kept)
