"""Propose splits: how long the holdout is, and whether every fold has something to learn from."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from keepfit.errors import TooFewRows, UnusableTable
from keepfit.folds import split_holdout, time_folds
from keepfit.propose_label import Label

HOLDOUT, MOST_HELD_OUT = 0.2, 0.4
# Blocks of the holdout, so that its bootstrap has enough to draw from.
BLOCKS = 50
# Windows of the history in which the drift check learns what is usual, and the rows that one needs.
BATCHES, LEAST_BATCH = 40, 30
LENGTHS = ("1s", "10s", "1min", "10min", "1h", "6h", "1D", "7D", "28D", "91D", "364D")
MANY = 1_000_000


@dataclass(frozen=True)
class Bounds:
    """What conf/config.yaml asks of a table: rows to train on, folds, rows to judge by, and the share of bad rows."""

    min_rows: int
    folds: int
    judged_rows: int
    quota: float
    # Tables above this many rows are not searched for equal rows.
    counted: int = 3_000_000


@dataclass(frozen=True)
class SplitProposal:
    """The newest labelled rows that are held out, the bootstrap's blocks, the batches, and what there is to say."""

    holdout: int
    block: int | str
    batch: int
    assumed: tuple[str, ...]
    look_at: tuple[str, ...]


def refuse_small(labelled: int, target: str, bounds: Bounds) -> None:
    """Raise TooFewRows where a table has fewer labelled rows than `train.min_rows`."""
    if labelled < bounds.min_rows:
        raise TooFewRows(
            f"{labelled} rows have a {target}; train.min_rows in conf/config.yaml asks for {bounds.min_rows}: "
            "what a model learns from fewer does not hold"
        )


def propose_splits(
    clock: pd.Series, label: Label, target: pd.Series, bounds: Bounds, *, has_time: bool
) -> SplitProposal:
    """Return how to split the rows whose times are `clock`; raise UnusableTable where a fold has one class only."""
    table = pd.DataFrame({"time": clock, "target": target}).dropna().sort_values("time", kind="stable")
    times, wanted = table.time.reset_index(drop=True), table.target.to_numpy()
    count = len(times)
    holdout = max(round(HOLDOUT * count), min(bounds.judged_rows, round(MOST_HELD_OUT * count)))
    split = split_holdout(times, holdout=holdout, horizon=0)
    if label.task != "regression":
        _refuse_one_class(times.iloc[split.train], wanted, split.test, label, bounds, has_time=has_time)
    length = times.iloc[split.test[-1]] - times.iloc[split.test[0]]
    block = _choose_length(length) if has_time else max(1, len(split.test) // BLOCKS)
    look_at = []
    if len(split.test) < bounds.judged_rows:
        look_at.append(
            f"the holdout has {len(split.test)} rows, and gate.min_rows asks for {bounds.judged_rows}: "
            "no model will be let in until there are more, or you ask for fewer"
        )
    if count > MANY:
        look_at.append(f"{count:,} rows: `search: none` in conf/config.yaml fits once instead of trying parameters")
    share = len(split.test) / count
    return SplitProposal(
        holdout=holdout,
        block=block,
        batch=max(LEAST_BATCH, count // BATCHES),
        assumed=(
            f"the newest {holdout:,} labelled rows ({share:.0%}) are held out",
            "the label of a row is known at once (`horizon: 0`); if it takes a week, write 7D",
        ),
        look_at=tuple(look_at),
    )


def _refuse_one_class(
    times: pd.Series, wanted: np.ndarray, test: np.ndarray, label: Label, bounds: Bounds, *, has_time: bool
) -> None:
    parts = {"the holdout": test}
    for number, fold in enumerate(time_folds(times.reset_index(drop=True), count=bounds.folds, horizon=0), 1):
        parts[f"the training rows of fold {number}"] = fold.train
    for part, rows in parts.items():
        if len(pd.unique(wanted[rows])) < 2:
            advice = (
                "more rows, fewer train.folds, or a longer history"
                if has_time
                else "the table seems sorted by its label: shuffle its rows, or name a time"
            )
            raise UnusableTable(f"{label.name}: one class only in {part} ({len(rows)} rows); {advice}")


def _choose_length(holdout: pd.Timedelta) -> str:
    wanted = holdout / BLOCKS
    fitting = [each for each in LENGTHS if pd.Timedelta(each) <= wanted * 1.5]
    return fitting[-1] if fitting else LENGTHS[0]
