"""Acceptance: a service answers a few recorded rows with the scores that the pipeline gave them, to the last bit."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ValidationError

from keepfit.bundle import Bundle
from keepfit.entities import number_entities, reach_back, rows_before
from keepfit.errors import SmokeError
from keepfit.features import LABEL
from keepfit.passport import Request
from keepfit.scores import SCORE, predict_scores, tabulate_scores
from keepfit.section import Section
from keepfit.servable import Parity, as_json

ROWS = 50
# How many rows are sent at most, history included.
MOST = 5000
TIMEOUT = 5.0


class Recorded(Section):
    """Raw rows of the holdout with the history before them, and the scores that the model must give."""

    recipe: str
    rows: list[dict[str, Any]]
    scores: list[float]
    # By how much, as a share, a score may differ: not at all, unless packaging found that the compiled ones do.
    tolerance: float = 0.0


class Scored(BaseModel):
    """What of a prediction is compared."""

    score: float


class Answer(BaseModel):
    """What of a service's answer is compared."""

    version: str
    predictions: list[Scored]


def record_scores(champion: Bundle, valid: pd.DataFrame, table: pd.DataFrame, *, parity: Parity) -> Recorded:
    """Return the newest labelled rows (at most ROWS), and their scores by the pipeline's own feature table.

    `parity` is what packaging found of the scorer that serves; `valid` and `table` are the rows before and after the
    features stage, in the same order.
    """
    passport = champion.passport
    last = int(table[LABEL].notna().to_numpy().nonzero()[0][-1]) + 1
    needed, scored = _choose_rows(valid.iloc[:last], passport.request)
    features = table.iloc[scored][list(passport.features)]
    several = passport.classes if passport.task == "multiclass" else ()
    scores = predict_scores(champion.model, features, passport.task, classes=len(passport.classes))
    # What is personal is recorded as it is: the score is that of this row.
    columns = {name: each.model_copy(update={"pii": None}) for name, each in passport.request.columns.items()}
    rows = valid.iloc[needed][list(columns)]
    return Recorded(
        recipe=passport.version,
        rows=[{name: as_json(value, columns[name]) for name, value in row.items()} for row in rows.to_dict("records")],
        scores=tabulate_scores(scores, several)[SCORE].tolist(),
        tolerance=1e-12 if parity.difference else 0.0,
    )


def _choose_rows(valid: pd.DataFrame, request: Request) -> "tuple[np.ndarray, np.ndarray]":
    """Return the positions of the newest rows that have their look-back, after those of these and their history."""
    reached = np.arange(len(valid))[reach_back(valid, request.look_back, request.entity)][-ROWS:]
    if request.entity is None:
        return np.arange(reached[0] - request.look_back, len(valid)), reached
    codes = number_entities(valid[request.entity])
    reached = reached[-max(1, MOST // (request.look_back + 1)) :]
    part = slice(int(reached[0]), len(valid))
    near = np.concatenate([rows_before(codes, part, request.look_back), np.arange(part.start, part.stop)])
    return near[np.isin(codes[near], codes[reached])], reached


def check_service(url: str, recorded: Recorded, *, key: str | None = None) -> None:
    """Want the service ready, serving the recorded model and giving its scores; `key` is an API key.

    Raises SmokeError.
    """
    _ask(f"{url}/readyz", key=key)
    told = _ask(f"{url}/predict", {"rows": recorded.rows}, key=key)
    try:
        answer = Answer.model_validate_json(told)
    except ValidationError:
        raise SmokeError(f"{url}: no predictions in {told[:200].decode(errors='replace')!r}") from None
    _compare(answer, recorded, url)


def wait_until_ready(url: str, *, patience: float) -> None:
    """Wait for a service that was just started; raise SmokeError after `patience` seconds."""
    _retry(lambda: _ask(f"{url}/readyz", key=None), patience)


def wait_for_rollout(url: str, recorded: Recorded, *, patience: float, key: str | None = None) -> None:
    """Want the same of a service that is being deployed, where the old version may answer for a while.

    Raises SmokeError, the last one, after `patience` seconds.
    """
    _retry(lambda: check_service(url, recorded, key=key), patience)


def _retry(ask: Callable[[], object], patience: float) -> None:
    end = time.monotonic() + patience
    while True:
        try:
            ask()
        except SmokeError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
        else:
            return


def _ask(url: str, body: dict | None = None, *, key: str | None) -> bytes:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers)  # noqa: S310 - by hand
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
            return answer.read()
    except urllib.error.HTTPError as error:
        raise SmokeError(f"{url}: status {error.code}: {error.read()[:200].decode(errors='replace')}") from None
    except (OSError, ValueError) as error:
        raise SmokeError(f"{url}: no answer: {error}") from None


def _compare(answer: Answer, recorded: Recorded, url: str) -> None:
    if answer.version != recorded.recipe:
        raise SmokeError(f"{url}: serves {answer.version}, expected {recorded.recipe}")
    if len(answer.predictions) != len(recorded.scores):
        raise SmokeError(f"{url}: {len(answer.predictions)} scores, expected {len(recorded.scores)}")
    for row, (found, expected) in enumerate(zip(answer.predictions, recorded.scores, strict=True)):
        if not abs(found.score - expected) <= recorded.tolerance * max(1.0, abs(expected)):
            raise SmokeError(f"{url}: row {row} has the score {found.score!r}, recorded is {expected!r}")
