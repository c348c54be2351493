"""Predict: the body of a request to its predictions."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keepfit.serving.answers import Prediction, new_id
from keepfit.serving.asked import Asked
from keepfit.serving.checks import Rows
from keepfit.serving.frames import make_frame
from keepfit.serving.problems import Problem, Problems, Refusal
from keepfit.serving.reasons import explain
from keepfit.serving.served import Served

if TYPE_CHECKING:
    import pandas as pd

# So many rows are scored one by one sooner than a frame is made of them, and without pandas.
FEW = 1000
# Of so many rows a champion that is not compiled gives reasons: each costs it milliseconds a feature.
SLOWLY_EXPLAINED = 50


def predict(served: Served, rows: Rows, asked: Asked) -> list[Prediction]:
    """Score the rows that are to be scored.

    Raises Refusal where the model gives no number, and FeatureError where a feature has none.
    """
    if asked.reasons and not served.scorer.compiled and len(rows.scored) > SLOWLY_EXPLAINED:
        raise Refusal(
            422, f"explain: {len(rows.scored)} rows; allowed: {SLOWLY_EXPLAINED}, of a model that is not compiled"
        )
    if served.scorer.compiled and served.checks.look_back == 0 and len(rows.values) <= FEW:
        scores: Sequence[Any] = [served.scorer.score_row(rows.values[row]) for row in rows.scored]
    else:
        scores = _score_frame(served, rows)
    if not _finite(scores):
        _refuse_scores(scores, rows)
    predictions = [_answer(served, rows, row, found, asked) for row, found in zip(rows.scored, scores, strict=True)]
    if asked.reasons:
        _give_reasons(served, rows, predictions, asked.reasons)
    return predictions


def frame_of(served: Served, rows: Rows) -> "pd.DataFrame":
    """Return the rows as the typed frame that scorers take."""
    return make_frame(rows.values, served.passport.request.columns)


def _score_frame(served: Served, rows: Rows) -> list[Any]:
    scores = served.scorer.score_frame(frame_of(served, rows)).tolist()
    return [scores[place] for place in _places(rows)]


def _places(rows: Rows) -> list[int]:
    """Return where each row that is scored is among those that have their look-back, which scorers give."""
    if isinstance(rows.reaching, range):
        return [row - rows.reaching.start for row in rows.scored]
    places = {row: place for place, row in enumerate(rows.reaching)}
    return [places[row] for row in rows.scored]


def _finite(scores: Any) -> bool:
    return all(map(math.isfinite if not isinstance(scores[0], list) else _finite, scores))


def _refuse_scores(scores: Sequence[Any], rows: Rows) -> None:
    problems = Problems()
    for row, found in zip(rows.scored, scores, strict=True):
        if not _finite([found]):
            problems.add_whole(Problem("the model gives no finite score", row=row, allowed="values that it can score"))
    raise Refusal(422, f"no finite score for {problems.total} of {len(rows.scored)} rows", problems)


def _answer(served: Served, rows: Rows, row: int, found: Any, asked: Asked) -> Prediction:
    task = served.passport.task
    if task == "binary":
        prediction = Prediction(new_id(), row, found, served.decide(found))
    elif task == "regression":
        prediction = Prediction(new_id(), row, found)
        if asked.half_width is not None:
            prediction.interval = found - asked.half_width, found + asked.half_width
    else:
        named = dict(zip(served.passport.classes, found, strict=True))
        prediction = Prediction(new_id(), row, max(found), served.decide(found), named)
    if unknown := served.checks.unknown(rows.values[row]):
        prediction.unknown = unknown
    return prediction


def _give_reasons(served: Served, rows: Rows, predictions: list[Prediction], count: int) -> None:
    classes = served.passport.classes if served.passport.task == "multiclass" else ()
    for prediction, features in zip(predictions, _features(served, rows), strict=True):
        decided = classes.index(str(prediction.decision)) if classes else None
        prediction.reasons = explain(served, features, decided, count)


def _features(served: Served, rows: Rows) -> list[tuple[Any, ...]]:
    if served.checks.look_back == 0:
        return [served.scorer.features_of_row(rows.values[row]) for row in rows.scored]
    found = served.scorer.features_of(frame_of(served, rows))
    kept = found.iloc[_places(rows)]
    columns = [kept[name].tolist() if kept[name].dtype == float else _as_texts(kept[name]) for name in kept]
    return list(zip(*columns, strict=True))


def _as_texts(values: "pd.Series") -> list[str | None]:
    known = values.astype(object)
    return known.where(known.notna(), None).tolist()
