"""Engine: pure functions mapped over the parts of a table, in this process or on Dask workers.

An engine only says where a function runs. Results come in the order of the parts, with few of them in flight, and
are the same on every engine and for every size of parts: so `engine` is no parameter of a stage in `dvc.yaml`, nor in
a model's passport, and another engine re-runs nothing.

Functions get paths, not rows: workers see the files of the workspace under the same names, on this machine or on
a volume that all of them mount.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from keepfit.arithmetic import ENVIRONMENT
from keepfit.collector import collect_as_usual
from keepfit.computing import DaskEngine, PandasEngine
from keepfit.errors import EngineError

if TYPE_CHECKING:
    from distributed import Client, Future

Part = TypeVar("Part")
Result = TypeVar("Result")


class Engine(Protocol):
    """Where functions run over parts of `rows` rows."""

    @property
    def rows(self) -> int:
        """How many rows a part has."""
        ...

    def map(self, function: Callable[[Part], Result], parts: Iterable[Part]) -> Iterator[Result]:
        """Yield `function(part)` in the order of the parts, which are taken as results are."""
        ...


@contextmanager
def start_engine(settings: PandasEngine | DaskEngine) -> Iterator[Engine]:
    """Yield the engine; raise EngineError where there is no Dask, or no cluster that computes as this process does."""
    if isinstance(settings, PandasEngine):
        yield InProcess(settings.rows)
        return
    with _connect(settings) as client:
        _refuse_other_arithmetic(client)
        yield OnDask(settings.rows, client)


@dataclass(frozen=True)
class InProcess:
    """Parts one after the other in this process."""

    rows: int

    def map(self, function: Callable[[Part], Result], parts: Iterable[Part]) -> Iterator[Result]:
        """Yield `function(part)` in the order of the parts."""
        collect_as_usual()
        return map(function, parts)


@dataclass(frozen=True)
class OnDask:
    """Parts on the workers of a cluster, two a thread in flight; what a worker that dies had is done again."""

    rows: int
    client: "Client"

    def map(self, function: Callable[[Part], Result], parts: Iterable[Part]) -> Iterator[Result]:
        """Yield `function(part)` in the order of the parts; raise EngineError where one keeps killing its worker."""
        waiting: deque[Future] = deque()
        in_flight = 2 * sum(self.client.nthreads().values())
        try:
            for part in parts:
                waiting.append(self.client.submit(function, part, pure=False))
                if len(waiting) >= max(in_flight, 2):
                    yield _result(waiting.popleft())
            while waiting:
                yield _result(waiting.popleft())
        finally:
            for future in waiting:
                future.cancel()


def _result(future: "Future") -> Any:
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        raise EngineError(
            f"engine: one part killed {error.allowed_failures + 1} workers in turn, as one does for which "
            "engine.memory is too little; allowed: more memory, or fewer engine.rows a part"
        ) from error


@contextmanager
def _connect(settings: DaskEngine) -> "Iterator[Client]":
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise EngineError(
            f"engine.kind: 'dask': {error}; the dependency group `scale` of pyproject.toml brings it"
        ) from error
    if settings.scheduler is None:
        with (
            LocalCluster(
                n_workers=settings.workers or os.cpu_count(),
                threads_per_worker=1,
                memory_limit=settings.memory,
                dashboard_address=None,
                silence_logs="CRITICAL",
            ) as cluster,
            Client(cluster, direct_to_workers=True) as client,
        ):
            yield client
        return
    try:
        client = Client(settings.scheduler, timeout="20s")
    except (OSError, ValueError) as error:
        raise EngineError(f"engine.scheduler: {settings.scheduler!r}: {' '.join(str(error).split())}") from error
    with client:
        yield client


def _refuse_other_arithmetic(client: "Client") -> None:
    # Logarithms differ in the last bit between processors with AVX-512 and those without: see keepfit.arithmetic.
    workers = client.run(_arithmetic)
    if not workers:
        raise EngineError("engine.scheduler: the cluster has no worker")
    for address, found in workers.items():
        if found != ENVIRONMENT:
            wanted = " ".join(f"{name}={value!r}" for name, value in ENVIRONMENT.items())
            raise EngineError(f"engine.scheduler: the worker {address} has not in its environment: {wanted}")


def _arithmetic() -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in ENVIRONMENT}
