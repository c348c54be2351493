"""Fitting: where joblib runs the fits of a training: threads that share the table, or the workers of Dask."""

from collections.abc import Iterator
from contextlib import contextmanager

from keepfit.engine import Engine, OnDask


def is_here(engine: Engine | None) -> bool:
    """Whether the engine is this process."""
    return not isinstance(engine, OnDask)


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
