"""Pipeline: the flights champion as one calls it by hand, features over a frame and then `predict_proba`."""

import json
import math
import os
from pathlib import Path
from typing import Any

import pandas as pd
import skops.io

from features import flights

CHAMPION = Path(os.environ["CHAMPION"])
PASSPORT = json.loads((CHAMPION / "passport.json").read_text())
FEATURES = [
    flights.departure_minute,
    flights.scheduled_minutes,
    flights.gust,
    flights.wind_east,
    flights.wind_north,
]


def load_model() -> Any:
    """Return the fitted scikit-learn Pipeline."""
    path = CHAMPION / "model.skops"
    return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))


def make_frame(row: dict[str, Any]) -> pd.DataFrame:
    """Return a frame of one row, missing numbers as NaN."""
    return pd.DataFrame([{name: math.nan if value is None else value for name, value in row.items()}])


def answer(model: Any, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the score, decision and version of each raw row."""
    for function in FEATURES:
        rows[function.__name__] = function(*(rows[name] for name in function.feature.reads))
    scores = model.predict_proba(rows[PASSPORT["features"]])[:, 1].tolist()
    threshold, version = PASSPORT["threshold"], PASSPORT["version"]
    return [{"score": score, "decision": score >= threshold, "version": version} for score in scores]
