"""Served: one champion, ready to answer; nothing of it changes, so that another takes its place in one assignment."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepfit.bundle import MODEL, PASSPORT, SCHEMA, Bundle, read_bundle
from keepfit.passport import Passport
from keepfit.serving.checks import Checks
from keepfit.serving.options import ServiceOptions

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Served:
    """The passport, the checks that are compiled from its schema, and the scorer of one champion."""

    passport: Passport
    digest: str
    checks: Checks
    scorer: Any


class FrameScorer:
    """Scores frames with pandas and scikit-learn, by the functions of keepfit/score.py."""

    compiled, why = False, "not compiled yet"

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._bundle.model  # noqa: B018 - loaded before the first request

    def score_frame(self, rows: "pd.DataFrame") -> "np.ndarray":
        """Return the scores of typed raw rows from look_back on: (n,), or (n, classes)."""
        from keepfit.dataset import FeatureSet
        from keepfit.features import compute, load_module
        from keepfit.scores import predict_scores

        passport = self._bundle.passport
        request = passport.request
        chosen = FeatureSet(module=request.module, columns=request.used_as_they_are)
        features = compute(rows, chosen, load_module(request.module)).iloc[request.look_back :]
        return predict_scores(
            self._bundle.model, features[list(passport.features)], passport.task, classes=len(passport.classes)
        )


def load_served(folder: Path, options: ServiceOptions) -> Served:
    """Load a champion from the folder of its bundle; raise BundleError."""
    bundle = read_bundle(folder, only=(MODEL, SCHEMA))
    checks = Checks(bundle.passport.request, {}, max_rows=options.max_rows)
    return Served(passport=bundle.passport, digest=bundle.digest, checks=checks, scorer=FrameScorer(bundle))


__all__ = ["PASSPORT", "FrameScorer", "Served", "load_served"]
