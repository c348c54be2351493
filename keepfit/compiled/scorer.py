"""Scorer: raw rows to scores, compiled where packaging found the same scores, and else with scikit-learn."""

import ctypes
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING, Any, Protocol

from keepfit.compiled.frame_scorer import FrameScorer, Raw, Score
from keepfit.compiled.links import finish_row, finish_rows
from keepfit.compiled.plan import TREES, Plan, read_plan
from keepfit.compiled.source import make_compute, make_score
from keepfit.errors import FeatureError
from keepfit.servable import Servable

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from keepfit.bundle import Bundle
    from keepfit.compiled.trees import Forest


class Scorer(Protocol):
    """What scores typed raw rows, as keepfit.columns.parse has them."""

    compiled: bool
    # Why it is compiled or is not.
    why: str
    # How many single rows the compiled scorer refused, and scikit-learn scored.
    fallbacks: int

    def score_row(self, values: Sequence[Raw]) -> Score:
        """Return the score of one row without look-back, or those of its classes; values in the request's order.

        Numbers are floats, NaN where missing; a category is a text or None; a time nanoseconds since 1970 or None.
        Raises FeatureError.
        """

    def features_of_row(self, values: Sequence[Raw]) -> tuple[float | str | None, ...]:
        """Return the features of one such row in the order of the passport; raise FeatureError."""

    def score_features(self, features: Sequence[float | str | None]) -> Score:
        """Return the score of one row of features; raise FeatureError."""

    def score_frame(self, rows: "pd.DataFrame") -> "np.ndarray":
        """Return the scores of the rows that have their look-back: (n,), or (n, classes). Raises FeatureError."""

    def features_of(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        """Return the features of the rows that have their look-back; raise FeatureError."""


def load_scorer(bundle: "Bundle", servable: Servable) -> Scorer:
    """Return the scorer of a packaged champion."""
    slow = FrameScorer(bundle, servable.parity.why)
    if not servable.parity.compiled:
        slow.bundle.model  # noqa: B018 - loaded before the first request
        return slow
    plan = read_plan(bundle.folder)
    try:
        return CompiledScorer(plan, _read_trees(bundle.folder, plan), slow)
    except (ImportError, OSError, RuntimeError) as error:
        # A processor or a system that LLVM has no code for.
        slow.why = f"the compiled scorer does not start here: {type(error).__name__}: {error}"
        return slow


def _read_trees(folder: Path, plan: Plan) -> "Forest | None":
    if plan.estimate.kind != "forest":
        return None
    from keepfit.compiled.trees import read_forest

    return read_forest(folder / TREES)


class CompiledScorer:
    """Scores by the plan; what it refuses, a FrameScorer scores, and the model is loaded for it."""

    compiled = True

    def __init__(self, plan: Plan, forest: "Forest | None", slow: FrameScorer) -> None:
        self.plan, self.forest, self.slow = plan, forest, slow
        self.why, self.fallbacks = slow.why, 0
        # Features that look back are not of one row.
        self._compute = make_compute(plan, slow.feature) if plan.look_back == 0 else slow.features_of_row
        self._score = make_score(plan, _sum_prepared(plan, forest), finish_row(plan.estimate))

    def score_row(self, values: Sequence[Raw]) -> Score:
        """As Scorer has it."""
        try:
            score = self._score(self._compute(values))
        except FeatureError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, scikit-learn's answer counts
            score = math.nan
        # No number either where a value is missing that the model refuses.
        if score == score:
            return score
        self.fallbacks += 1
        return self.slow.score_row(values)

    def features_of_row(self, values: Sequence[Raw]) -> tuple[float | str | None, ...]:
        """As Scorer has it."""
        try:
            return self._compute(values)
        except FeatureError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, pandas' answer counts
            self.fallbacks += 1
            return self.slow.features_of_row(values)

    def score_features(self, features: Sequence[float | str | None]) -> Score:
        """As Scorer has it."""
        try:
            return self._score(features)
        except Exception:  # noqa: BLE001 - whatever it is, scikit-learn's answer counts
            self.fallbacks += 1
            return self.slow.score_features(features)

    def score_frame(self, rows: "pd.DataFrame") -> "np.ndarray":
        """As Scorer has it."""
        return self.predict(self.features_of(rows))

    def features_of(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        """As Scorer has it."""
        return self.slow.features_of(rows)

    def predict(self, features: "pd.DataFrame") -> "np.ndarray":
        """Return the scores of features."""
        from keepfit.compiled.matrix import sum_rows

        try:
            scores = finish_rows(self.plan.estimate, sum_rows(self.plan, self.forest, features))
        except OverflowError:
            return self.slow.predict(features)
        return scores if (scores == scores).all() else self.slow.predict(features)


def _sum_prepared(plan: Plan, forest: "Forest | None") -> Callable[..., Any]:
    if forest is None:
        return lambda *_: None
    from keepfit.compiled.walker import native

    walk, header = native()[0], ctypes.addressof(forest.header)
    pack = Struct(f"{forest.columns}d").pack
    if plan.estimate.rounds:
        pack = _rounding(pack, forest.columns)
    start, one, several = plan.estimate.start, ctypes.c_double, ctypes.c_double * forest.scores
    byref = ctypes.byref
    if forest.scores == 1:

        def sum_one(*numbers: float) -> float:
            total = one(start[0])
            walk(header, pack(*numbers), byref(total))
            return total.value

        return sum_one

    def sum_several(*numbers: float) -> list[float]:
        totals = several(*start)
        walk(header, pack(*numbers), byref(totals))
        return list(totals)

    return sum_several


def _rounding(pack: Callable[..., bytes], columns: int) -> Callable[..., bytes]:
    # Without "=" a number that 32 bits cannot hold would be infinite, which scikit-learn refuses.
    narrow = Struct(f"={columns}f")
    return lambda *numbers: pack(*narrow.unpack(narrow.pack(*numbers)))
