"""Replay: a dataset's history lived again, step by step, under one policy after the other.

At each step only what was known then is used: the rows before it, and the labels whose horizon had passed. A
policy decides whether the model trained on those rows takes over from the one that serves; what it then costs
is the loss of the rows that come.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from keepfit.errors import SettingsError, TooFewRows
from keepfit.features import LABEL
from keepfit.section import Section
from keepfit.spans import parse_span


@dataclass(frozen=True)
class Segment:
    """The positions of the rows that come between a step and the next."""

    first: int
    stop: int
    begins: pd.Timestamp


class Moment(Section):
    """What a policy did at a step, and what the rows until the next one cost."""

    begins: str
    model: int
    loss: float
    rows: int
    action: str
    alarms: tuple[str, ...] = ()


class Story(Section):
    """A policy's whole replay."""

    policy: str
    moments: tuple[Moment, ...]
    check_seconds: float


def parse_step(text: str) -> int | str:
    """Return the rows or the length of time, more than none, that a person wrote; raise SettingsError."""
    step = int(text) if text.isdecimal() else text
    try:
        positive = bool(parse_span(step))
    except ValueError:
        positive = False
    if positive:
        return step
    raise SettingsError(f"step {text!r}: allowed: a number of rows, or a length of time such as 28D; more than none")


def cut_segments(times: pd.Series, *, start: pd.Timestamp, step: int | str) -> list[Segment]:
    """Return the segments from `start` on, each `step` long, the last one up to the end.

    Raises TooFewRows where there are fewer than two.
    """
    first, span = int(times.searchsorted(start)), parse_span(step)
    if isinstance(span, int):
        borders = list(range(first, len(times), span))
    else:
        moments = pd.date_range(start, times.iloc[-1], freq=span)
        borders = sorted({int(times.searchsorted(moment)) for moment in moments} - {len(times)})
    if len(borders) < 2 or not first:
        raise TooFewRows(
            f"replay from {start} in steps of {step}: {len(borders)} steps in {len(times)} rows; needed: two, "
            "and rows before them"
        )
    return [Segment(a, b, times.iloc[a]) for a, b in pairwise([*borders, len(times)])]


def known_at(table: pd.DataFrame, segment: Segment, *, time: str, horizon: int | str) -> pd.DataFrame:
    """Return the rows before a segment, without the labels that could not be known when it began."""
    past, span = table.iloc[: segment.first].copy(), parse_span(horizon)
    if isinstance(span, int):
        unknown = np.arange(len(past)) >= len(past) - span
    else:
        unknown = (past[time] > segment.begins - span).to_numpy()
    past.loc[unknown, LABEL] = np.nan
    return past


def live(
    policy: str,
    segments: list[Segment],
    losses: Callable[[int], np.ndarray],
    decide: Callable[[int, int], tuple[str, tuple[str, ...], float]],
) -> Story:
    """Walk the segments, the model of the first one serving first.

    `losses(m)`: the loss of each row by the model trained before segment m, NaN where it has no label.
    `decide(m, j)`: the action before segment j with model m serving, the alarms, and the seconds it took.
    """
    serving, seconds, moments = 0, 0.0, []
    for number, segment in enumerate(segments):
        action: str = "none"
        alarms: tuple[str, ...] = ()
        if number:
            action, alarms, took = decide(serving, number)
            seconds += took
            serving = number if action == "retrain" else serving
        cost = losses(serving)[segment.first : segment.stop]
        rows = int(np.isfinite(cost).sum())
        moments.append(
            Moment(
                begins=str(segment.begins),
                model=serving,
                loss=float(np.nanmean(cost)) if rows else 0.0,
                rows=rows,
                action=action,
                alarms=alarms,
            )
        )
    return Story(policy=policy, moments=tuple(moments), check_seconds=seconds)


def compare_stories(
    stories: list[Story],
    segments: list[Segment],
    losses: Callable[[int], np.ndarray],
    *,
    training_seconds: list[float],
    changes: list[pd.Timestamp],
) -> list[dict[str, Any]]:
    """Return a row for each policy: mean loss, share of the gain of always retraining, and what it took.

    The share is None where `never` or `always` is not among them, or they cost the same. A retraining
    is in vain where the model before it would have cost no more until the next one.
    """
    mean = {story.policy: _mean_loss(story) for story in stories}
    never, always = mean.get("never"), mean.get("always")
    compared = []
    for story in stories:
        trained = [number for number, moment in enumerate(story.moments) if moment.action == "retrain"]
        compared.append(
            {
                "policy": story.policy,
                "mean_loss": mean[story.policy],
                "gain_kept": _share(mean[story.policy], never, always),
                "retrainings": len(trained),
                "share_of_always": len(trained) / max(len(segments) - 1, 1),
                "in_vain": sum(not _paid(story, number, segments, losses) for number in trained),
                "alarms": sum(bool(moment.alarms) for moment in story.moments),
                "days_to_alarm": {str(change.date()): _days_to_alarm(story, change) for change in changes},
                "seconds": story.check_seconds + sum(training_seconds[number] for number in trained),
            }
        )
    return compared


def _share(mean: float, never: float | None, always: float | None) -> float | None:
    return None if never is None or always is None or never == always else (never - mean) / (never - always)


def _mean_loss(story: Story) -> float:
    rows = np.array([moment.rows for moment in story.moments])
    return float(np.average([moment.loss for moment in story.moments], weights=rows))


def _paid(story: Story, number: int, segments: list[Segment], losses: Callable[[int], np.ndarray]) -> bool:
    later = [other for other in range(number + 1, len(segments)) if story.moments[other].model != number]
    stop = segments[min(later)].first if later else segments[-1].stop
    served = slice(segments[number].first, stop)
    before = story.moments[number - 1].model
    return bool(np.nansum(losses(number)[served]) < np.nansum(losses(before)[served]))


def _days_to_alarm(story: Story, change: pd.Timestamp) -> float | None:
    heard = [pd.Timestamp(moment.begins) for moment in story.moments if moment.alarms]
    after = [(moment - change) / pd.Timedelta(days=1) for moment in heard if moment >= change]
    return min(after, default=None)
