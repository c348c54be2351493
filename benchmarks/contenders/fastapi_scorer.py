"""FastAPI with Keepfit's compiled scorer and nothing else: no checks, keys, log or counters."""

import gc
import math
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.responses import Response

from keepfit.bundle import MODEL, SCHEMA, read_bundle
from keepfit.compiled.scorer import load_scorer
from keepfit.servable import read_servable

CHAMPION = Path(os.environ["CHAMPION"])
bundle = read_bundle(CHAMPION, only=(MODEL, SCHEMA))
scorer = load_scorer(bundle, read_servable(CHAMPION))
passport = bundle.passport
COLUMNS = [(name, column.type) for name, column in passport.request.columns.items()]
app = FastAPI()
gc.collect()
gc.freeze()


def score(row: dict[str, Any]) -> dict[str, Any]:
    """Return the score, decision and version of one flight."""
    values = [make_value(row[name], kind) for name, kind in COLUMNS]
    found = scorer.score_row(values)
    return {"score": found, "decision": found >= passport.threshold, "version": passport.version}


def make_value(value: Any, kind: str) -> Any:
    """Return a JSON value as the scorer takes it."""
    if kind == "category":
        return value
    if kind == "datetime":
        return int(datetime.fromisoformat(value).timestamp()) * 1_000_000_000
    return math.nan if value is None else float(value)


@app.post("/predict")
async def predict(row: dict[str, Any]) -> dict[str, Any]:
    """Score one flight, as FastAPI is written."""
    return score(row)


@app.post("/bare")
async def predict_bare(request: Request) -> Response:
    """Score one flight, past all that FastAPI does for a request but its routing."""
    found = score(msgspec.json.decode(await request.body()))
    return Response(msgspec.json.encode(found), media_type="application/json")
