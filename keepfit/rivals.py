"""Rivals: champion and challenger on the same logged requests: how far apart, how quick, and who loses less."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from keepfit.bootstrap import cut_blocks
from keepfit.losses import row_losses
from keepfit.metrics import loss_interval
from keepfit.section import Section
from keepfit.settings import Settings

# Blocks from which on an interval is told.
FEW = 4


@dataclass(frozen=True)
class Answers:
    """What one model said to each of the rows: scores (n,) or (n, classes), decisions, microseconds."""

    version: str
    scores: np.ndarray
    decisions: np.ndarray
    took: np.ndarray


class Speed(Section):
    """Milliseconds that an answer took: half of them at most `median`, 95 % at most `p95`."""

    median: float
    p95: float


class LossGap(Section):
    """By how much more the challenger loses than the champion on the rows with an outcome."""

    metric: str
    rows: int
    champion: float
    challenger: float
    gap: float
    # None where too few blocks of time have passed.
    low: float | None = None
    high: float | None = None

    @property
    def verdict(self) -> str:
        """Who loses less, as far as the interval allows to say it."""
        if self.low is None or self.high is None:
            return "undecided: too little time has passed for an interval"
        if self.low <= 0 <= self.high:
            return "undecided: the interval holds zero"
        return "the challenger loses less" if self.high < 0 else "the challenger loses more"


class Comparison(Section):
    """Champion and challenger on the rows that both have scored."""

    champion: str
    challenger: str
    rows: int
    first: str
    last: str
    # Absolute differences of the scores; of several classes those of the class where it is largest.
    mean_difference: float
    p95_difference: float
    largest_difference: float
    equal: int
    # None for a regression, which decides nothing.
    flips: int | None
    flipped: dict[str, int]
    speed: dict[str, Speed]
    loss: LossGap | None


def compare(
    times: pd.Series, champion: Answers, challenger: Answers, labels: np.ndarray, settings: Settings
) -> Comparison:
    """Compare two models on the same rows in time order; `labels` is NaN where no outcome is known."""
    apart = np.abs(challenger.scores - champion.scores).reshape(len(times), -1).max(axis=1)
    decides = settings.dataset.task != "regression"
    flipped = _count_flips(champion.decisions, challenger.decisions) if decides else {}
    return Comparison(
        champion=champion.version,
        challenger=challenger.version,
        rows=len(times),
        first=str(times.iloc[0]),
        last=str(times.iloc[-1]),
        mean_difference=float(apart.mean()),
        p95_difference=float(np.quantile(apart, 0.95)),
        largest_difference=float(apart.max()),
        equal=int((apart == 0).sum()),
        flips=sum(flipped.values()) if decides else None,
        flipped=flipped,
        speed={"champion": _measure(champion.took), "challenger": _measure(challenger.took)},
        loss=_compare_losses(times, champion, challenger, labels, settings),
    )


def _count_flips(before: np.ndarray, after: np.ndarray) -> dict[str, int]:
    changed = before != after
    pairs = pd.Series([f"{one} to {other}" for one, other in zip(before[changed], after[changed], strict=True)])
    return {str(pair): int(count) for pair, count in pairs.value_counts().sort_index().items()}


def _measure(took: np.ndarray) -> Speed:
    median, slow = np.quantile(took, [0.5, 0.95]) / 1_000
    return Speed(median=float(median), p95=float(slow))


def _compare_losses(
    times: pd.Series, champion: Answers, challenger: Answers, labels: np.ndarray, settings: Settings
) -> LossGap | None:
    known = ~np.isnan(labels)
    if not known.any():
        return None
    ours, theirs = (_lose(each, known, labels, settings) for each in (champion, challenger))
    blocks = cut_blocks(times[known].reset_index(drop=True), settings.evaluate.block)
    options = settings.evaluate
    low, high = (
        loss_interval(theirs - ours, blocks, resamples=options.resamples, interval=options.interval, seed=settings.seed)
        if blocks.count >= FEW
        else (None, None)
    )
    return LossGap(
        metric=settings.objective.metric,
        rows=int(known.sum()),
        champion=float(ours.mean()),
        challenger=float(theirs.mean()),
        gap=float((theirs - ours).mean()),
        low=low,
        high=high,
    )


def _lose(answers: Answers, known: np.ndarray, labels: np.ndarray, settings: Settings) -> np.ndarray:
    scores, threshold = answers.scores[known], 0.5
    if settings.objective.metric == "cost" and settings.dataset.task == "binary":
        # What was decided is what it cost, whatever threshold it came from.
        scores = (answers.decisions[known] == (settings.dataset.classes or (False, True))[1]).astype(float)
    return row_losses(labels[known], scores, settings.objective, threshold=threshold)
