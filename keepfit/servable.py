"""Servable: what the service must know of a champion beside its passport, found once when it is packaged."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepfit.dataset import EPOCHS, Column
from keepfit.errors import PackageError
from keepfit.files import hash_file, read_json
from keepfit.rows import count_until, last_with_history, read_with_history
from keepfit.section import Section

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from keepfit.bundle import Bundle
    from keepfit.passport import Passport
    from keepfit.rows import Rows

SERVING = "serving.json"
# How sure an interval may be asked to be.
LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)
Value = float | str | bool | None


class Parity(Section):
    """Whether the compiled scorer serves, why, and how far it was from scikit-learn at most on how many rows."""

    compiled: bool
    why: str
    rows: int
    difference: float | None = None


class Servable(Section):
    """Parity, typical values of the features, half widths of intervals, rows as an example, hashes of the plan."""

    parity: Parity
    typical: dict[str, float | str | None]
    residuals: dict[str, float] = {}
    example: tuple[dict[str, int | Value], ...]
    files: dict[str, str] = {}


def read_servable(folder: Path) -> Servable:
    """Return what `package` found, after checking the files that it names; raise PackageError."""
    found = read_json(folder / SERVING)
    if found is None:
        raise PackageError(f"{folder / SERVING}: not there; `dvc repro package` makes it")
    servable = Servable.model_validate(found)
    for name, expected in servable.files.items():
        if not (folder / name).exists() or hash_file(folder / name) != expected:
            raise PackageError(f"{folder / name}: missing or changed; {SERVING} says SHA-256 {expected}")
    return servable


def describe(bundle: "Bundle", valid: "Rows", parity: Parity) -> Servable:
    """Return what the service needs of a champion; `valid` are typed rows in time order."""
    reference, passport = bundle.reference, bundle.passport
    return Servable(
        parity=parity,
        typical={name: _typical(reference[name]) for name in passport.features},
        residuals=_half_widths(reference) if passport.task == "regression" else {},
        example=_example(valid, count_until(valid, time_column(bundle), passport.trained_on.last), passport),
    )


def time_column(bundle: "Bundle") -> str:
    """Return the name of the column that says when a row was."""
    # The one column of a reference that is neither a number nor a category.
    return str(bundle.reference.select_dtypes("datetime").columns[0])


def _typical(values: "pd.Series") -> float | str | None:
    known = values.dropna()
    if known.empty:
        return None
    return str(known.mode().iloc[0]) if values.dtype == "category" else float(known.median())


def _half_widths(reference: "pd.DataFrame") -> dict[str, float]:
    import numpy as np

    from keepfit.features import LABEL

    errors = np.sort((reference[LABEL] - reference["score"]).abs().dropna())
    return {str(level): _conformal(errors, level) for level in LEVELS if (len(errors) + 1) * level <= len(errors)}


def _conformal(errors: "np.ndarray", level: float) -> float:
    # Split conformal prediction: with this rank the share of new rows inside is at least the level.
    return float(errors[math.ceil((len(errors) + 1) * level) - 1])


def _example(valid: "Rows", until: int, passport: "Passport") -> tuple[dict[str, int | Value], ...]:
    columns, look_back, entity = passport.request.columns, passport.request.look_back, passport.request.entity
    last = until - 1 if entity is None else last_with_history(valid, until, look_back=look_back, entity=entity)
    newest = read_with_history(valid, slice(last, last + 1), list(columns), look_back=look_back, entity=entity)
    return tuple(
        {name: as_json(value, columns[name]) for name, value in zip(newest, row, strict=True)}
        for row in newest.itertuples(index=False, name=None)
    )


def as_json(value: Any, column: Column) -> int | Value:
    """Return a typed value as a request writes it; a personal one is made up."""
    import pandas as pd

    if getattr(column, "pii", None):
        return _made_up(column)
    if pd.isna(value):
        return None
    match column.type:
        case "bool":
            return bool(value)
        case "int" if math.isfinite(value):
            return int(value)
        case "datetime":
            return _write_time(value, column.format)
    return str(value) if column.type == "category" else float(value)


def _made_up(column: Column) -> int | Value:
    match column.type:
        case "bool":
            return True
        case "datetime":
            import pandas as pd

            return _write_time(pd.Timestamp("2000-01-01"), column.format)
        case "category":
            return column.allowed[0] if column.allowed else "made up"
    value = column.min if column.min is not None else column.max or 0.0
    return math.ceil(value) if column.type == "int" else value


def _write_time(moment: "pd.Timestamp", form: str | None) -> int | str:
    import pandas as pd

    if form in EPOCHS:
        return int(moment.value // pd.Timedelta(1, form).value)
    return moment.isoformat() if form in (None, "mixed") else str(moment.strftime(form))
