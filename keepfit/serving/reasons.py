"""Reasons: what each feature contributes to a score: the difference to the score with its typical value."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from keepfit.serving.answers import Reason

if TYPE_CHECKING:
    from keepfit.serving.served import Served

Value = float | str | None


def explain(served: "Served", features: Sequence[Value], decided: int | None, count: int) -> list[Reason]:
    """Return the `count` largest contributions to the score of one row of features.

    Each feature by itself is set to what is typical of the reference, and the model is asked again: what they do
    together is in none of them. `decided` is the number of the class whose probability is explained.
    """
    score = _score(served, features, decided)
    found = []
    for place, name in enumerate(served.passport.features):
        changed = [*features]
        typical = served.typical[name]
        changed[place] = float("nan") if typical is None and not isinstance(features[place], str) else typical
        found.append(Reason(name, _plain(features[place]), score - _score(served, changed, decided)))
    return sorted(found, key=lambda each: -abs(each.contribution))[:count]


def _score(served: "Served", features: Sequence[Value], decided: int | None) -> float:
    score = served.scorer.score_features(features)
    return score if isinstance(score, float) else score[decided or 0]


def _plain(value: Value) -> Value:
    return None if value != value else value
