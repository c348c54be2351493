"""The same pipeline as an MLflow pyfunc (models from code); run with a folder, it saves the model there."""

import sys
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from benchmarks.contenders.pipeline import answer, load_model


class Flights(mlflow.pyfunc.PythonModel):
    """Scores flights."""

    def load_context(self, context: Any) -> None:  # noqa: ARG002 - as MLflow calls it
        """Load the Pipeline."""
        self.model = load_model()

    def predict(self, context: Any, model_input: pd.DataFrame) -> list[dict[str, Any]]:  # noqa: ARG002 - as above
        """Score the rows of a frame."""
        empty = [name for name in model_input if model_input[name].isna().all()]
        return answer(self.model, model_input.astype(dict.fromkeys(empty, float)))


if __name__ == "__main__":
    mlflow.pyfunc.save_model(sys.argv[1], python_model=str(Path(__file__)), pip_requirements=[])
else:
    mlflow.models.set_model(Flights())
