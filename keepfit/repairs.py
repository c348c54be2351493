"""Repairs: rows that a person has mended, standing in for the raw rows they were made from."""

from io import StringIO
from pathlib import Path

import pandas as pd

from keepfit.cells import as_category
from keepfit.columns import require
from keepfit.dataset import ROW_HASH, Dataset
from keepfit.errors import SourceError
from keepfit.files import replacing
from keepfit.times import as_text


def hash_rows(raw: pd.DataFrame, dataset: Dataset) -> pd.Series:
    """Return a 16-digit hash of each raw row's declared columns, whatever their order and its place in the table."""
    values = raw[sorted(dataset.columns)].astype("object")
    text = values.map(lambda value: "" if pd.isna(value) else as_category(value) or "")
    return pd.util.hash_pandas_object(text, index=False).map("{:016x}".format)


def apply_repairs(raw: pd.DataFrame, repairs: pd.DataFrame | None, dataset: Dataset) -> pd.DataFrame:
    """Return `raw` with each row whose hash is in `repairs` replaced. Raises MissingColumn."""
    require(raw, list(dataset.columns))
    if repairs is None or repairs.empty:
        return raw
    names = list(dataset.columns)
    hashes = hash_rows(raw, dataset)
    mended = repairs.drop_duplicates(ROW_HASH, keep="last").set_index(ROW_HASH)[names]
    hit = hashes.isin(mended.index)
    result = raw.astype(dict.fromkeys(names, "object"))
    result.loc[hit, names] = mended.loc[hashes[hit]].to_numpy()
    return result


def read_repairs(path: Path, dataset: Dataset, *, beside: pd.DataFrame | None = None) -> pd.DataFrame | None:
    """Read a file of repaired rows, every value as text, and those `beside` it; None where there is neither.

    Raises SourceError and MissingColumn.
    """
    if not path.exists():
        return beside
    try:
        repairs = _read_text(path)
    except (OSError, ValueError) as error:
        raise SourceError(f"{path}: not a CSV of repaired rows: {error}") from error
    require(repairs, [ROW_HASH, *dataset.columns])
    return pd.concat([repairs, beside])


def export_rows(quarantine: pd.DataFrame) -> str:
    """Return the rows as the CSV that a person mends, whole numbers written as such."""
    return quarantine.map(as_text, na_action="ignore").to_csv(index=False)


def read_changed(path: Path, quarantine: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Read the rows of a file that stand in quarantine and read otherwise than an export of it.

    Raises SourceError and MissingColumn.
    """
    rows = read_repairs(path, dataset)
    if rows is None:
        raise SourceError(f"{path}: no such file")
    names = list(dataset.columns)
    exported = _read_text(StringIO(export_rows(quarantine)))
    before = dict(zip(exported[ROW_HASH], exported[names].fillna("").itertuples(index=False), strict=True))
    after = zip(rows[ROW_HASH], rows[names].fillna("").itertuples(index=False), strict=True)
    return rows[[row in before and before[row] != values for row, values in after]].reset_index(drop=True)


def _read_text(file: Path | StringIO) -> pd.DataFrame:
    return pd.read_csv(file, dtype="object", keep_default_na=False, na_values=[""])


def add_repairs(path: Path, repairs: pd.DataFrame, dataset: Dataset) -> int:
    """Add repaired rows to the file, the newest repair of a row last; return how many it then holds."""
    known = read_repairs(path, dataset)
    rows = pd.concat([known, repairs[[ROW_HASH, *dataset.columns]]]).drop_duplicates(ROW_HASH, keep="last")
    with replacing(path) as partial:
        rows.to_csv(partial, index=False)
    return len(rows)
