"""FastAPI with pydantic, and `predict_proba` on a frame of one row."""

from typing import Any

from fastapi import FastAPI

from benchmarks.contenders.flight import Flight
from benchmarks.contenders.pipeline import answer, load_model, make_frame

app = FastAPI()
model = load_model()


@app.post("/predict")
async def predict(row: Flight) -> dict[str, Any]:
    """Score one flight."""
    return answer(model, make_frame(row.model_dump()))[0]
