"""Fitting: where joblib runs the fits of a training: threads that share the table, or the workers of Dask."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from keepfit.distributed_estimator import is_distributed
from keepfit.engine import Engine, OnDask
from keepfit.errors import EstimatorError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def is_here(engine: Engine | None) -> bool:
    """Whether the engine is this process."""
    return not isinstance(engine, OnDask)


def place_fits(pipeline: "Pipeline", engine: Engine | None, jobs: int) -> tuple[Engine | None, int]:
    """Return where fits run, and how many side by side: one by one and from here where each is on all workers itself.

    Raises EstimatorError where there are no workers for such an estimator.
    """
    if not is_distributed(pipeline):
        return engine, jobs
    if is_here(engine):
        name = type(pipeline["model"]).__name__
        raise EstimatorError(f"model.estimator: {name} trains on the workers of Dask; allowed: with engine: dask")
    return None, 1


@contextmanager
def fits_on(engine: Engine | None, *, jobs: int) -> Iterator[None]:
    """Run joblib's work in the block on the engine, `jobs` at a time where that is this process, the default."""
    from joblib import parallel_config

    if isinstance(engine, OnDask):
        with parallel_config(backend="dask", client=engine.client, n_jobs=-1):
            yield
        return
    # Threads share the table; the estimators' inner loops release the interpreter's lock.
    with parallel_config(backend="threading", n_jobs=jobs):
        yield
