"""Undeclared: the rows of a source whose columns nobody has declared yet, with the values that they will have."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from keepfit.cells import MISSING
from keepfit.column_profile import profile
from keepfit.dataset import FileSource, PythonSource, SqlSource
from keepfit.sources import open_files, read_source

if TYPE_CHECKING:
    import pyarrow as pa

# Numbers that name: as numbers they would lose zeros at their beginning, or the last of their digits.
NAMING = r"^\s*[+-]?(0\d|\d{16,}(\.0+)?$)"


def read_undeclared(source: PythonSource | FileSource | SqlSource) -> pd.DataFrame:
    """Return all rows, of a CSV with the columns as texts that are categories in disguise; raise SourceError.

    Those are whole numbers with zeros before them or more digits than a number keeps, and texts in which `NA` or the
    like need not mean that a value is missing. Other numbers may differ in the last digit from those written.
    """
    frame = read_source(source, exact=False)
    if not isinstance(source, FileSource):
        return frame
    whole = [str(name) for name in frame if _is_whole(frame[name])]
    holed = [str(name) for name in frame.select_dtypes("object") if frame[name].hasnans]
    names: set[str] = set()
    for file, kind in open_files(source):
        if kind == "csv" and (whole or holed):
            with file as stream:
                names |= _find_texts(stream, whole, holed)
    names -= {name for name in names.intersection(holed) if profile(frame[name]).kind not in ("category", "text")}
    if not names:
        return frame
    written = read_source(source, exact=False, categories=names)
    return frame.assign(**{name: written[name] for name in names})


def _is_whole(values: pd.Series) -> bool:
    if pd.api.types.is_float_dtype(values):
        known = values.dropna()
        return bool(len(known)) and bool((known == known.round()).all())
    return pd.api.types.is_integer_dtype(values)


def _find_texts(stream: Any, whole: list[str], holed: list[str]) -> set[str]:
    import pyarrow as pa
    from pyarrow import csv

    types = dict.fromkeys([*whole, *holed], pa.string())
    found: set[str] = set()
    options = {
        "convert_options": csv.ConvertOptions(
            include_columns=list(types), include_missing_columns=True, column_types=types
        ),
        "parse_options": csv.ParseOptions(newlines_in_values=True, invalid_row_handler=lambda _: "skip"),
    }
    with csv.open_csv(stream, **options) as batches:
        for batch in batches:
            found |= {name for name in types if name not in found and _is_text(batch[name], number=name in whole)}
    return found


def _is_text(values: "pa.Array", *, number: bool) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    words = pa.array(sorted(MISSING - {""}))
    hits = pc.match_substring_regex(values, NAMING) if number else pc.is_in(values, value_set=words)
    return bool(pc.any(hits).as_py())
