"""The champion over HTTP."""

from pathlib import Path
from typing import Annotated, Any

import bentoml
import pandas as pd
from bentoml.exceptions import InvalidArgument
from pydantic import BaseModel, Field

import keepfit.arithmetic  # noqa: F401 - before NumPy loads
from keepfit.bundle import MODEL, SCHEMA, read_bundle
from keepfit.errors import KeepfitError
from keepfit.score import score_rows
from keepfit.scores import SCORE

CHAMPION = Path(__file__).resolve().parent.parent / "champion"
Value = Annotated[float, Field(allow_inf_nan=False)] | str | bool | None
Rows = Annotated[list[dict[str, Value]], Field(min_length=1, max_length=10_000)]


class Prediction(BaseModel):
    """The answer for one row of the request."""

    row: int
    score: float
    decision: bool | str | None = None
    # The probability of each class, where there are more than two.
    scores: dict[str, float] | None = None


class Answer(BaseModel):
    """The answers, and the model that gave them."""

    version: str
    predictions: list[Prediction]


@bentoml.service(name="keepfit", traffic={"timeout": 5})
class Keepfit:
    """Scores raw rows in time order; rows that are only history get no answer."""

    def __init__(self) -> None:
        self.bundle = read_bundle(CHAMPION, only=(MODEL, SCHEMA))
        self.bundle.model  # noqa: B018 - loaded before the first request

    @bentoml.api(route="/predict")
    def predict(self, rows: Rows) -> Answer:
        """Score each row that has its history before it."""
        try:
            scored = score_rows(self.bundle, pd.DataFrame(rows))
        except KeepfitError as error:
            raise InvalidArgument(str(error)) from None
        several = {f"{SCORE}:{name}": name for name in self.bundle.passport.classes if f"{SCORE}:{name}" in scored}
        probabilities = scored[list(several)].rename(columns=several).to_dict("index").values()
        rows_scored = scored.drop(columns=list(several)).to_dict("records")
        answers = [
            Prediction(row=row, **values, scores=each or None)
            for row, values, each in zip(scored.index, rows_scored, probabilities, strict=True)
        ]
        return Answer(version=self.bundle.passport.version, predictions=answers)

    @bentoml.api(route="/model")
    def model(self) -> dict[str, Any]:
        """Return the champion's passport."""
        return self.bundle.passport.model_dump(mode="json", exclude_none=True)
