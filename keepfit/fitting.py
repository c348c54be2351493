"""Fitting: where joblib runs the fits of a training: threads that share the table, or the workers of Dask."""

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from keepfit.distributed_estimator import is_distributed
from keepfit.engine import Engine, OnDask
from keepfit.errors import EngineError, EstimatorError

if TYPE_CHECKING:
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
