"""Answers: scores as predictions with an id, a decision and what the champion had never seen."""

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from keepfit.passport import Passport

Decide = Callable[[Any], bool | str]
ID = re.compile("[0-9a-f]{32}")


class Reason(msgspec.Struct):
    """How much of a score is due to a feature's value: what the score loses where it is typical instead."""

    feature: str
    value: float | str | None
    contribution: float


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
    # The features that contributed most, the first of them first.
    reasons: list[Reason] | msgspec.UnsetType = msgspec.UNSET
    # The columns whose category the champion never saw.
    unknown: list[str] | msgspec.UnsetType = msgspec.UNSET
    # Whether it is in the prediction log; None is never sent.
    logged: bool | None = None


class Answer(msgspec.Struct):
    """The answers, and the model that gave them."""

    version: str
    predictions: Sequence[Prediction]
    # "canary" where the challenger answered.
    role: str | msgspec.UnsetType = msgspec.UNSET


class Ids:
    """Ids that nobody guesses and that sort by time: 48 bits of milliseconds, 80 of chance."""

    def __init__(self) -> None:
        self._chance: Iterator[str] = iter(())

    def new(self) -> str:
        """Return an id."""
        chance = next(self._chance, None)
        if chance is None:
            # Asking the kernel for each one takes longer than all the rest.
            drawn = os.urandom(10 * 256).hex()
            self._chance = iter([drawn[start : start + 20] for start in range(0, len(drawn), 20)])
            return self.new()
        return f"{time.time_ns() // 1_000_000:012x}{chance}"


new_id = Ids().new


def make_decider(passport: Passport) -> Decide:
    """Return the function from a row's score, or scores, to its decision, as keepfit/score.py decides."""
    if passport.task == "multiclass":
        return _make_chooser(passport)
    no, yes = passport.classes or (False, True)
    threshold = passport.threshold
    return lambda score: yes if score >= threshold else no


def _make_chooser(passport: Passport) -> Decide:
    import numpy as np

    from keepfit.losses import cheapest_classes

    mistakes, classes = np.array(passport.mistakes), passport.classes
    return lambda scores: classes[int(cheapest_classes(np.asarray(scores)[None, :], mistakes)[0])]
