"""Spread: the chunks of files scored on the workers of an engine, where a row stands for itself.

A worker reads its chunks itself and writes the parts of the job, so files, champion and output are where all workers
see them. The parts are those that threads would have written.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path

from keepfit.engine import Engine
from keepfit.errors import ScoringError
from keepfit.scoring.champion import Champion, load_champion
from keepfit.scoring.chunks import count_rows, kind_of, read_chunks
from keepfit.scoring.job import Job, Mark, Order
from keepfit.scoring.run import Free

# Chunks that a worker takes at a time: a million rows.
CHUNKS = 10
Places = frozenset[tuple[int, int]]


@dataclass(frozen=True)
class Stretch:
    """Chunks of one file that follow one another: the first, and how many, None for all of them."""

    file: int
    first: int
    count: int | None


def spread(
    folder: Path,
    job: Job,
    order: Order,
    done: dict[tuple[int, int], Mark],
    *,
    engine: Engine,
    advance: Callable[[int], None] = lambda _: None,
) -> list[Mark]:
    """Score what `done` does not have yet by the champion of `folder`, and finish the job; return all parts' marks.

    Raises MissingColumn, SourceError, FeatureError and ScoringError.
    """
    step = partial(_score_stretch, folder=folder, out=job.out, order=order, done=frozenset(done))
    for rows in engine.map(step, plan_stretches(order)):
        advance(rows)
    marks = job.marks()
    job.finish()
    return marks


def plan_stretches(order: Order, chunks: int = CHUNKS) -> Iterator[Stretch]:
    """Yield the stretches of an order; a CSV is one, since no line of it can be found without those before."""
    for number, (name, *_) in enumerate(order.files):
        file = Path(name)
        if kind_of(file) == "csv":
            yield Stretch(number, 0, None)
        else:
            for first in range(0, -(-count_rows(file) // order.size), chunks):
                yield Stretch(number, first, chunks)


def _score_stretch(stretch: Stretch, *, folder: Path, out: Path, order: Order, done: Places) -> int:
    champion = _load_once(folder, order.digest)
    step, name = Free(champion, Job(out), order), Path(order.files[stretch.file][0])
    request = champion.bundle.passport.request
    chunks = read_chunks(name, request, order.keep, size=order.size, skip=stretch.first)
    rows = 0
    for chunk in islice(chunks, stretch.count):
        if (stretch.file, chunk.first // order.size) not in done:
            rows += step.prepare(stretch.file, chunk)().rows
    return rows


@lru_cache(maxsize=1)
def _load_once(folder: Path, digest: str) -> Champion:
    champion = load_champion(folder)
    if champion.bundle.digest != digest:
        raise ScoringError(f"{folder}: another champion than the one whose scores were begun")
    return champion
