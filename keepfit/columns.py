"""Columns: raw values as the types that the dataset declares, alike for a table and for a request."""

import warnings
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from keepfit.cells import EXACT, INEXACT, MISSING, as_category
from keepfit.dataset import Column
from keepfit.errors import MissingColumn
from keepfit.numerals import to_numbers
from keepfit.times import as_text, parse_times

NESTED = {list, dict, np.ndarray}
TRUTH = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "1.0"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "0.0"), False),
}


def require(frame: pd.DataFrame, names: list[str]) -> None:
    """Raise MissingColumn where a column of `names` is not in the frame."""
    if missing := [name for name in names if name not in frame]:
        raise MissingColumn(
            f"missing column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; "
            f"there are: {', '.join(map(str, frame.columns))}"
        )


def settle_types(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with columns of mixed types as text, which Parquet can hold."""
    frame = frame.rename(columns=str)
    for name in frame.select_dtypes("object"):
        kinds = {type(value) for value in frame[name].dropna()}
        if len(kinds) > 1 or kinds & NESTED or (kinds == {int} and _are_too_long(frame[name])):
            frame[name] = frame[name].map(as_text, na_action="ignore")
    return frame


def _are_too_long(numbers: pd.Series) -> bool:
    return any(not -(2**63) <= number < 2**63 for number in numbers.dropna())


def join(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of all frames in one, renumbered; truths beside missing values stay truths."""
    with warnings.catch_warnings():
        # That a column without a value has no say in the type of the others is what is wanted here.
        warnings.filterwarnings("ignore", "The behavior of (DataFrame|array) concatenation", FutureWarning)
        return pd.concat([_loosen_truths(each, frames) for each in frames], ignore_index=True)


def _loosen_truths(frame: pd.DataFrame, others: list[pd.DataFrame]) -> pd.DataFrame:
    # pandas makes numbers of truths where the column of another frame has no value.
    names = [
        name for name in frame.select_dtypes("bool") if any(str(each.dtypes.get(name)) != "bool" for each in others)
    ]
    return frame.astype(dict.fromkeys(names, "object")) if names else frame


def write_nested(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with columns of lists and mappings, as their first value tells, as text."""
    first = {name: next(iter(frame[name].dropna()), None) for name in frame.select_dtypes("object")}
    nested = [name for name, value in first.items() if type(value) in NESTED]
    return frame.assign(**{name: frame[name].map(as_text, na_action="ignore") for name in nested})


def parse(frame: pd.DataFrame, columns: Mapping[str, Column]) -> pd.DataFrame:
    """Return the declared columns with their types; what cannot be read as its type becomes null.

    Numbers are float64 (a missing one is NaN), booleans are 0.0 and 1.0, times are UTC without a
    zone and categories are text. Raises MissingColumn.
    """
    require(frame, list(columns))
    return pd.DataFrame(
        {name: parse_column(frame[name], column) for name, column in columns.items()},
        index=frame.index,
    )


def parse_column(values: pd.Series, column: Column) -> pd.Series:
    """Return one column with its declared type; what cannot be read becomes null."""
    match column.type:
        case "datetime":
            return parse_times(values, column.format)
        case "category":
            return _parse_categories(values.astype("object"))
        case "bool":
            truth = {value: TRUTH.get(str(value).lower()) for value in values.dropna().unique()}
            return values.astype("object").map(truth).astype(float)
        case "int":
            numbers = to_numbers(values).astype(float)
            return keep_exact(numbers.where(np.isinf(numbers) | (numbers == numbers.round())))
        case _:
            return to_numbers(values).astype(float)


def keep_exact(numbers: pd.Series) -> pd.Series:
    """Return whole numbers without those that are rounded as floats, where two could become one; infinity stays."""
    return numbers.where(np.isinf(numbers) | (numbers.abs() <= EXACT))


def find_unreadable(raw: pd.Series, typed: pd.Series, column: Column) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what is wrong with values that have none of their column's type, and where: positions; not the missing."""
    at = np.flatnonzero(raw.notna().to_numpy() & typed.isna().to_numpy())
    if not len(at):
        return
    values = raw.iloc[at].astype("object")
    words = {""} if column.type == "category" else MISSING
    given = ~values.map(lambda value: isinstance(value, str) and value in words).to_numpy(dtype=bool)
    numbers = to_numbers(values).abs() if column.type == "int" else pd.Series(0.0, values.index)
    inexact = (numbers > EXACT).to_numpy()
    yield f"not a value of type {column.type}", at[given & ~inexact]
    yield INEXACT, at[given & inexact]


def _parse_categories(texts: pd.Series) -> pd.Series:
    if pd.api.types.infer_dtype(texts, skipna=True) == "string":
        # A text at a time and not a row at a time.
        typed = texts.astype("category")
        names = {text: as_category(text) for text in typed.cat.categories}
        if all(text == name for text, name in names.items()):
            return typed
        texts = texts.map(names)
    else:
        texts = texts.map(as_category, na_action="ignore")
    return texts.astype("object").astype("category")
