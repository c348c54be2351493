"""Answers: scores as predictions with an id, a decision and what the champion had never seen."""

import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from keepfit.passport import Passport

if TYPE_CHECKING:
    import numpy as np

Decide = Callable[[Any], bool | str]


class Prediction(msgspec.Struct, omit_defaults=True):
    """The answer for one row of the request."""

    id: str
    row: int
    score: float
    # Yes or no, or the name of a class; a regression decides nothing.
    decision: bool | str | msgspec.UnsetType = msgspec.UNSET
    # The probability of each class, where there are more than two.
    scores: dict[str, float] | msgspec.UnsetType = msgspec.UNSET
    # From and to: as sure as was asked for, the outcome lies between.
    interval: tuple[float, float] | msgspec.UnsetType = msgspec.UNSET
    # What each column contributed, the largest first.
    reasons: list[Any] | msgspec.UnsetType = msgspec.UNSET
    # The columns whose category the champion never saw.
    unknown: list[str] | msgspec.UnsetType = msgspec.UNSET
    logged: bool | None = None


class Answer(msgspec.Struct):
    """The answers, and the model that gave them."""

    version: str
    predictions: Sequence[Prediction]


def new_id() -> str:
    """Return an id that nobody guesses and that sorts by time: 48 bits of milliseconds, 80 of chance."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}"


def make_decider(passport: Passport) -> Decide:
    """Return the function from a row's score, or scores, to its decision, as keepfit/score.py decides."""
    if passport.task == "multiclass":
        return lambda scores: _cheapest(scores, passport)
    no, yes = passport.classes or (False, True)
    threshold = passport.threshold
    return lambda score: yes if score >= threshold else no


def _cheapest(scores: "np.ndarray", passport: Passport) -> str:
    import numpy as np

    from keepfit.losses import cheapest_classes

    return passport.classes[int(cheapest_classes(np.asarray(scores)[None, :], np.array(passport.mistakes))[0])]
