"""Distributed estimators: each fit runs on all workers of Dask, and what is stored serves without Dask.

Such a class (`lightgbm.DaskLGBMClassifier`) wants Dask's collections and returns them. Here it is given arrays like
any other estimator, and after a fit it is replaced by the local model that it can tell (`to_local`).
"""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


class TakesArrays:
    """Mixed into a distributed estimator: arrays are handed to the workers, and predictions are made here."""

    def fit(self, features: np.ndarray, labels: np.ndarray) -> "TakesArrays":
        """Fit on the workers, each with a share of the rows."""
        import dask.array as da
        from distributed import default_client

        share = -(-len(features) // len(default_client().nthreads()))
        columns = features.shape[1]
        super().fit(  # type: ignore[misc]
            da.from_array(np.asarray(features), chunks=(share, columns)),
            da.from_array(np.asarray(labels), chunks=share),
        )
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        """As the local model has it."""
        return self.to_local().predict(features)  # type: ignore[attr-defined]

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """As the local model has it."""
        return self.to_local().predict_proba(features)  # type: ignore[attr-defined]


def take_arrays(estimator: type) -> type:
    """Return the estimator's class, or for a distributed one its class that is given arrays."""
    return type(estimator.__name__, (TakesArrays, estimator), {}) if hasattr(estimator, "to_local") else estimator


def is_distributed(pipeline: "Pipeline") -> bool:
    """Whether each fit of the pipeline runs on all workers."""
    return isinstance(pipeline["model"], TakesArrays)


def localise(pipeline: "Pipeline") -> Any:
    """Return the fitted pipeline with the local model in the place of a distributed one."""
    if is_distributed(pipeline):
        pipeline.steps[-1] = ("model", pipeline["model"].to_local())
    return pipeline
