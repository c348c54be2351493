"""Fitting: the fits of a training, and where joblib runs them: threads that share the table, or the workers of Dask."""

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from keepfit.distributed_estimator import is_distributed, localise
from keepfit.engine import Engine, OnDask
from keepfit.errors import EngineError, EstimatorError
from keepfit.examples import Examples

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

Result = TypeVar("Result")
TIMES = 3


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


def fit_sides(
    pipeline: "Pipeline",
    examples: Examples,
    sides: list[np.ndarray],
    *,
    spread: int,
    engine: Engine | None,
    jobs: int,
    advance: Callable[[], None],
) -> list["Pipeline"]:
    """Return the pipeline fitted on each of the sides' rows, the first `spread` of them by the workers of an engine.

    `advance` is called after each fit. Raises EngineError.
    """
    from joblib import Parallel, delayed

    fitted: list[Pipeline] = []

    def fit_until(last: int, where: Engine | None) -> None:
        left = sides[len(fitted) : last]
        fits = (delayed(_fit)(pipeline, examples.features, examples.labels, rows) for rows in left)
        with fits_on(where, jobs=jobs):
            for each in Parallel(return_as="generator")(fits):
                fitted.append(each)
                advance()

    if not is_here(engine):
        redo_lost(lambda: fit_until(spread, engine))
    # What is stored is fitted here: of a model that was sent from a worker, equal as it is, skops writes other bytes.
    fit_until(len(sides), None)
    return fitted


def _fit(pipeline: "Pipeline", features: "pd.DataFrame", labels: np.ndarray, rows: np.ndarray) -> "Pipeline":
    from sklearn.base import clone

    return localise(clone(pipeline).fit(features.iloc[rows], labels[rows]))


def redo_lost(work: Callable[[], Result]) -> Result:
    """Return what `work` returns, done again where workers died; raise EngineError where they did three times.

    joblib sends the rows of its fits to a worker once: with that worker they are lost, and the fits are cancelled.
    """
    for _ in range(TIMES):
        with suppress(CancelledError):
            return work()
    raise EngineError(
        f"engine: fits lost their workers {TIMES} times in turn, as happens for which engine.memory is too little; "
        "allowed: more memory, or fewer rows by train.max_rows"
    )
