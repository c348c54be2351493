"""Parity: how far the compiled scorer is from scikit-learn, on the holdout and on rows drawn column by column."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keepfit.compiled.scorer import CompiledScorer, FrameScorer
from keepfit.errors import FeatureError
from keepfit.rows import count_until, read_column, read_with_history
from keepfit.servable import Parity, time_column

if TYPE_CHECKING:
    from keepfit.bundle import Bundle
    from keepfit.rows import Rows

DRAWN, SEED = 100_000, 20190101
ALLOWED = 1e-12
# Of each column's drawn values: how many are missing, how many were never seen, how many lie far outside.
MISSING, UNKNOWN, OUTSIDE = 0.05, 0.05, 0.02
# How many rows are also scored one by one.
SINGLE = 2000


@dataclass(frozen=True)
class Difference:
    """The largest difference over a number of rows."""

    rows: int
    largest: float


def measure_parity(compiled: CompiledScorer, bundle: "Bundle", valid: "Rows", *, drawn: int = DRAWN) -> Parity:
    """Return whether the compiled scorer may serve; `valid` are typed rows in time order that hold the holdout."""
    slow, passport = compiled.slow, bundle.passport
    try:
        found = [compare_rows(compiled, slow, holdout_rows(bundle, valid))]
        if passport.request.look_back:
            features = draw(bundle.reference, list(passport.features), drawn)
            found.append(compare_features(compiled, slow, features))
        else:
            found.append(compare_rows(compiled, slow, draw(valid, list(passport.request.columns), drawn)))
    except FeatureError as error:
        return Parity(compiled=False, why=f"scikit-learn refuses rows that can come: {error}", rows=0)
    rows, largest = sum(each.rows for each in found), max(each.largest for each in found)
    if not largest <= ALLOWED:
        return Parity(compiled=False, why=f"differs by more than {ALLOWED:g}", rows=rows, difference=largest)
    return Parity(compiled=True, why=_praise(compiled), rows=rows, difference=largest)


def holdout_rows(bundle: "Bundle", valid: "Rows") -> pd.DataFrame:
    """Return the raw rows of the holdout, after the history that its first ones look back on."""
    passport, time = bundle.passport, time_column(bundle)
    first, last = (count_until(valid, time, each) for each in (passport.judged_on.first, passport.judged_on.last))
    request = passport.request
    part, columns = slice(first - 1, last), list(request.columns)
    return read_with_history(valid, part, columns, look_back=request.look_back, entity=request.entity)


def draw(rows: "Rows", names: list[str], count: int) -> pd.DataFrame:
    """Return seeded rows of these columns, each drawn on its own, with missing, unknown and far-off values."""
    generator = np.random.default_rng(SEED)
    return pd.DataFrame({name: _draw_column(read_column(rows, name), count, generator) for name in names})


def _draw_column(values: pd.Series, count: int, generator: np.random.Generator) -> pd.Series:
    drawn = values.iloc[generator.integers(len(values), size=count)].reset_index(drop=True)
    chance = generator.uniform(size=count)
    unknown = (chance >= MISSING) & (chance < MISSING + UNKNOWN)
    if isinstance(values.dtype, pd.CategoricalDtype):
        texts = drawn.astype(object).where(~unknown, "a text that nobody has seen")
        return texts.where(chance >= MISSING, None).astype("category")
    if pd.api.types.is_datetime64_any_dtype(values):
        return drawn.where(chance >= MISSING)
    far = generator.normal(scale=10 * (values.abs().max() + 1), size=count)
    far = np.round(far) if (values.dropna() == values.dropna().round()).all() else far
    drawn = drawn.where((chance < 1 - OUTSIDE), pd.Series(far))
    return drawn.where(chance >= MISSING)


def compare_rows(compiled: CompiledScorer, slow: FrameScorer, rows: pd.DataFrame) -> Difference:
    """Compare the scores of typed raw rows, some of them also one by one; raise FeatureError."""
    features = slow.features_of(rows)
    found = compare_features(compiled, slow, features)
    if compiled.plan.look_back:
        return found
    singles = [compiled.score_row(values) for values in as_values(rows[:SINGLE])]
    expected = slow.predict(features[:SINGLE])
    return Difference(found.rows, max(found.largest, largest_difference(np.array(singles), expected)))


def compare_features(compiled: CompiledScorer, slow: FrameScorer, features: pd.DataFrame) -> Difference:
    """Compare the scores of features; raise FeatureError."""
    return Difference(len(features), largest_difference(compiled.predict(features), slow.predict(features)))


def largest_difference(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest absolute difference, relative to scores above 1; infinite where one is no number."""
    differences = np.abs(found - expected) / np.maximum(np.abs(expected), 1.0)
    return float(np.where(np.isnan(differences), np.inf, differences).max(initial=0.0))


def as_values(rows: pd.DataFrame) -> list[list[float | str | int | None]]:
    """Return typed rows as the lists that score_row takes."""
    columns = [_column_values(rows[name]) for name in rows]
    return [list(row) for row in zip(*columns, strict=True)]


def _column_values(values: pd.Series) -> list[float | str | int | None]:
    if pd.api.types.is_datetime64_any_dtype(values):
        return [None if pd.isna(value) else int(value.value) for value in values]
    if isinstance(values.dtype, pd.CategoricalDtype):
        return [None if pd.isna(value) else str(value) for value in values]
    return [float(value) for value in values]


def _praise(compiled: CompiledScorer) -> str:
    untraced = compiled.plan.untraced
    if not untraced:
        return "the scores of scikit-learn"
    whys = "; ".join(dict.fromkeys(untraced.values()))
    return f"the scores of scikit-learn; with pandas: {', '.join(untraced)} ({whys})"
