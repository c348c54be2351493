"""Served: one champion, ready to answer; nothing of it changes, so that another takes its place in one assignment."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from keepfit.bundle import MODEL, PROFILE, SCHEMA, Bundle, read_bundle
from keepfit.compiled.scorer import FrameScorer, Scorer, load_scorer
from keepfit.passport import Passport
from keepfit.servable import SERVING, Servable, read_servable
from keepfit.serving.answers import Decide, make_decider
from keepfit.serving.checks import Checks
from keepfit.serving.options import ServiceOptions


@dataclass(frozen=True)
class Served:
    """The bundle, the checks that are compiled from its schema, and the scorer of one champion."""

    bundle: Bundle
    # None where the folder was never packaged: then there are neither examples nor intervals nor reasons.
    servable: Servable | None
    checks: Checks
    scorer: Scorer
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


def load_served(folder: Path, options: ServiceOptions) -> Served:
    """Load a champion from the folder of its bundle; raise BundleError and PackageError."""
    bundle = read_bundle(folder, only=(MODEL, SCHEMA, PROFILE))
    known = {
        name: frozenset(each.categories) for name, each in bundle.profile.columns.items() if each.categories is not None
    }
    servable = read_servable(folder) if (folder / SERVING).exists() else None
    return Served(
        bundle=bundle,
        servable=servable,
        checks=Checks(bundle.passport.request, known, max_rows=options.max_rows),
        scorer=load_scorer(bundle, servable) if servable else _frame_scorer(bundle),
        decide=make_decider(bundle.passport),
    )


def _frame_scorer(bundle: Bundle) -> FrameScorer:
    scorer = FrameScorer(bundle, "not packaged")
    bundle.model  # noqa: B018 - loaded before the first request
    return scorer
