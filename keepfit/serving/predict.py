"""Predict: the body of a request to the body of its answer."""

import msgspec

from keepfit.serving.answers import Answer, Prediction, make_decider, new_id
from keepfit.serving.frames import make_frame
from keepfit.serving.served import Served


def predict(served: Served, body: bytes) -> bytes:
    """Score each row of a body that is to be scored; raise Refusal, and KeepfitError where a feature has no value."""
    rows = served.checks.read(body)
    passport = served.passport
    look_back = passport.request.look_back
    scores = served.scorer.score_frame(make_frame(rows.values, passport.request.columns))
    decide = make_decider(passport)
    predictions = []
    for row in rows.scored:
        found = scores[row - look_back]
        prediction = Prediction(id=new_id(), row=row, score=float(found.max()), logged=False)
        if passport.task != "regression":
            prediction.decision = decide(found)
        if passport.task == "multiclass":
            prediction.scores = dict(zip(passport.classes, found.tolist(), strict=True))
        if unknown := served.checks.unknown(rows.values[row]):
            prediction.unknown = unknown
        predictions.append(prediction)
    return msgspec.json.encode(Answer(passport.version, predictions))
