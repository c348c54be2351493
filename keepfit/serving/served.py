"""Served: one champion, ready to answer; nothing of it changes, so that another takes its place in one assignment."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepfit.bundle import MODEL, PROFILE, SCHEMA, Bundle, read_bundle
from keepfit.passport import Passport
from keepfit.servable import SERVING, Servable, read_servable
from keepfit.serving.answers import Decide, make_decider
from keepfit.serving.checks import Checks
from keepfit.serving.options import ServiceOptions

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Served:
    """The bundle, the checks that are compiled from its schema, and the scorer of one champion."""

    bundle: Bundle
    # None where the folder was never packaged: then there are neither examples nor intervals nor reasons.
    servable: Servable | None
    checks: Checks
    scorer: Any
    decide: Decide

    @property
    def passport(self) -> Passport:
        """What the champion says of itself."""
        return self.bundle.passport

    @property
    def digest(self) -> str:
        """The champion's identity."""
        return self.bundle.digest

    @property
    def typical(self) -> dict[str, float | str | None]:
        """The typical value of each feature."""
        return self.servable.typical if self.servable else {}

    @cached_property
    def description(self) -> dict[str, Any]:
        """The passport as JSON has it, with what was found when it was packaged beside it."""
        told = self.passport.model_dump(mode="json", exclude_none=True)
        return told | ({"serving": self.servable.model_dump(mode="json")} if self.servable else {})


class FrameScorer:
    """Scores frames with pandas and scikit-learn, by the functions of keepfit/score.py."""

    compiled, why = False, "not compiled yet"

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._bundle.model  # noqa: B018 - loaded before the first request

    def features_of(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        """Return the features of typed raw rows from look_back on."""
        from keepfit.dataset import FeatureSet
        from keepfit.features import compute, load_module

        passport = self._bundle.passport
        request = passport.request
        chosen = FeatureSet(module=request.module, columns=request.used_as_they_are)
        features = compute(rows, chosen, load_module(request.module)).iloc[request.look_back :]
        return features[list(passport.features)]

    def score_frame(self, rows: "pd.DataFrame") -> "np.ndarray":
        """Return the scores of typed raw rows from look_back on: (n,), or (n, classes)."""
        from keepfit.scores import predict_scores

        passport = self._bundle.passport
        return predict_scores(self._bundle.model, self.features_of(rows), passport.task, classes=len(passport.classes))


def load_served(folder: Path, options: ServiceOptions) -> Served:
    """Load a champion from the folder of its bundle; raise BundleError and PackageError."""
    bundle = read_bundle(folder, only=(MODEL, SCHEMA, PROFILE))
    known = {
        name: frozenset(each.categories) for name, each in bundle.profile.columns.items() if each.categories is not None
    }
    return Served(
        bundle=bundle,
        servable=read_servable(folder) if (folder / SERVING).exists() else None,
        checks=Checks(bundle.passport.request, known, max_rows=options.max_rows),
        scorer=FrameScorer(bundle),
        decide=make_decider(bundle.passport),
    )
