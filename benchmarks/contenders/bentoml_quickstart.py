"""BentoML as its quickstart writes it: a class with an endpoint, `predict_proba` on a frame of one row."""

from typing import Any

import bentoml

from benchmarks.contenders.pipeline import answer, load_model, make_frame


@bentoml.service(workers=1)
class Flights:
    """Scores flights."""

    def __init__(self) -> None:
        self.model = load_model()

    @bentoml.api
    def predict(self, row: dict[str, Any]) -> dict[str, Any]:
        """Score one flight."""
        return answer(self.model, make_frame(row))[0]
