"""Tables: what a chunk becomes: scores with where they come from, and rows that were set aside with their reasons."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keepfit.errors import ScoringError
from keepfit.score import decide
from keepfit.scores import SCORE, tabulate_scores
from keepfit.scoring.chunks import Chunk
from keepfit.times import as_text

if TYPE_CHECKING:
    import pyarrow as pa

    from keepfit.bundle import Bundle

# What the output has by itself, beside a score for each class.
NAMES = ("source", "row", SCORE, "decision", "version", "digest")


def refuse_names(keep: tuple[str, ...]) -> None:
    """Raise ScoringError where a column that the output has by itself is to be kept of the input."""
    if taken := [name for name in keep if name in NAMES or name.startswith(f"{SCORE}:")]:
        raise ScoringError(f"--keep {taken[0]}: the output has a column of that name; allowed: columns of other names")


def tabulate(bundle: "Bundle", scores: np.ndarray, chunk: Chunk, kept: pd.Index, keep: tuple[str, ...]) -> "pa.Table":
    """Return the scores of the rows that were kept, with their places, the columns of `keep` and the champion."""
    import pyarrow as pa

    passport, count = bundle.passport, len(kept)
    columns: dict[str, Any] = _place(chunk, kept)
    for name in keep:
        columns[name] = pa.array(chunk.rows.loc[kept, name].map(as_text, na_action="ignore"), pa.string())
    if count:
        several = passport.classes if passport.task == "multiclass" else ()
        columns |= {name: pa.array(values) for name, values in tabulate_scores(scores, several).items()}
        if (decisions := decide(scores, passport)) is not None:
            columns["decision"] = pa.array(decisions)
    texts = {"version": passport.version, "digest": bundle.digest}
    return pa.table(columns | {name: _repeat(text, count) for name, text in texts.items()})


def set_aside(chunk: Chunk, reasons: pd.Series) -> "pa.Table":
    """Return the rows that have a reason, as they were read, with their places and reasons."""
    import pyarrow as pa

    raw = chunk.rows.loc[reasons.index]
    texts = {str(name): raw[name].astype(object).map(as_text, na_action="ignore") for name in raw}
    columns = {name: pa.array(values, pa.string(), from_pandas=True) for name, values in texts.items()}
    ours = {**_place(chunk, reasons.index), "reasons": pa.array(reasons, pa.string())}
    return pa.table({f"keepfit_{name}" if name in columns else name: each for name, each in ours.items()} | columns)


def _place(chunk: Chunk, rows: pd.Index) -> dict[str, Any]:
    import pyarrow as pa

    return {
        "source": _repeat(str(chunk.file), len(rows)),
        "row": pa.array(rows.to_numpy() + chunk.first, pa.int64()),
    }


def _repeat(text: str, count: int) -> "pa.DictionaryArray":
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, dtype=np.int32)), pa.array([text]))
