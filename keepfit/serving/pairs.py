"""Pairs: the rows that champion and challenger both scored, out of the prediction log."""

from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd
from sqlalchemy import Engine, Select, and_, func, select

from keepfit.dataset import Dataset
from keepfit.errors import LogError
from keepfit.rivals import Answers
from keepfit.serving.tables import outcomes, predictions

OURS, THEIRS = predictions.alias("ours"), predictions.alias("theirs")
TOLD_OURS, TOLD_THEIRS = outcomes.alias("told_ours"), outcomes.alias("told_theirs")
SAID = ("score", "scores", "label", "latency_us", "version")
# What the challenger said, to the caller or to nobody.
BESIDE = ("challenger", "canary")


class Pairs(NamedTuple):
    """Rows in time order, what each model said, and the labels, NaN where no outcome has come."""

    times: pd.Series
    champion: Answers
    challenger: Answers
    labels: np.ndarray


def read_pairs(engine: Engine, dataset: Dataset, *, since_ns: int = 0, challenger: str | None = None) -> Pairs:
    """Return the pairs of the newest champion beside a challenger, the newest one or that whose digest starts so.

    An outcome counts for both, whichever of the two ids it was told for. Raises LogError where there is no pair.
    """
    with engine.connect() as connection:
        newest = connection.execute(_newest(since_ns, challenger)).first()
        if newest is None:
            which = f"challenger {challenger}" if challenger else "a challenger"
            raise LogError(f"no row is in the log that the champion and {which} both scored")
        rows = connection.execute(_both(since_ns, newest.ours, newest.theirs)).mappings().all()
    frame = pd.DataFrame([dict(row) for row in rows])
    told = [
        ours if ours is not None else theirs for ours, theirs in zip(frame.value_ours, frame.value_theirs, strict=True)
    ]
    return Pairs(
        times=pd.to_datetime(frame.time_ns),
        champion=_read_answers(frame, "ours", dataset),
        challenger=_read_answers(frame, "theirs", dataset),
        labels=np.array([_read_label(value, dataset) for value in told], dtype=float),
    )


def _newest(since_ns: int, challenger: str | None) -> Select:
    query = select(OURS.c.digest.label("ours"), THEIRS.c.digest.label("theirs")).select_from(_joined())
    query = query.where(OURS.c.role == "champion", OURS.c.time_ns >= since_ns)
    if challenger:
        query = query.where(func.substr(THEIRS.c.digest, 1, len(challenger)) == challenger)
    return query.order_by(OURS.c.time_ns.desc()).limit(1)


def _both(since_ns: int, ours: str, theirs: str) -> Select:
    said = [
        side.c[name].label(f"{name}_{which}") for side, which in ((OURS, "ours"), (THEIRS, "theirs")) for name in SAID
    ]
    told = (TOLD_OURS.c.value.label("value_ours"), TOLD_THEIRS.c.value.label("value_theirs"))
    joined = _joined().outerjoin(TOLD_OURS, TOLD_OURS.c.id == OURS.c.id)
    return (
        select(OURS.c.time_ns, *said, *told)
        .select_from(joined.outerjoin(TOLD_THEIRS, TOLD_THEIRS.c.id == THEIRS.c.id))
        .where(OURS.c.role == "champion", OURS.c.time_ns >= since_ns)
        .where(OURS.c.digest == ours, THEIRS.c.digest == theirs)
        .order_by(OURS.c.time_ns, OURS.c.request, OURS.c.number)
    )


def _joined() -> Any:
    same_row = and_(THEIRS.c.request == OURS.c.request, THEIRS.c.number == OURS.c.number)
    return OURS.join(THEIRS, and_(same_row, THEIRS.c.role.in_(BESIDE)))


def _read_answers(frame: pd.DataFrame, which: str, dataset: Dataset) -> Answers:
    said = {name: frame[f"{name}_{which}"] for name in SAID}
    several = dataset.task == "multiclass"
    scores = [msgspec.json.decode(each) for each in said["scores"]] if several else said["score"]
    decisions = [None if pd.isna(each) else msgspec.json.decode(each) for each in said["label"]]
    return Answers(
        version=said["version"].iloc[0],
        scores=np.array(scores, dtype=float),
        decisions=np.array(decisions, dtype=object),
        took=said["latency_us"].to_numpy(dtype=float),
    )


def _read_label(value: str | None, dataset: Dataset) -> float:
    if value is None:
        return float("nan")
    told = msgspec.json.decode(value)
    return float(dataset.classes.index(told)) if dataset.classes else float(told)
