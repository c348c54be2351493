"""Run: files of raw rows to a file of scores, chunk by chunk, in threads, from where an earlier run was stopped."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keepfit.collector import collect_as_usual
from keepfit.entities import reach_back
from keepfit.errors import FeatureError
from keepfit.scoring.champion import Champion
from keepfit.scoring.chunks import Chunk, read_chunks
from keepfit.scoring.job import Job, Mark, Order
from keepfit.scoring.rules import Judged, judge
from keepfit.scoring.tables import refuse_names, set_aside, tabulate
from keepfit.scoring.tails import keep_last, keep_needed

if TYPE_CHECKING:
    from keepfit.compiled.scorer import Scorer

# So many rows that what pandas costs a chunk is little, and a kill loses no more than these for each thread.
ROWS = 100_000


def make_order(champion: Champion, files: list[Path], keep: tuple[str, ...], size: int = ROWS) -> Order:
    """Return what is to be done, by the size and the time of each file; raise ScoringError."""
    refuse_names(keep)
    stats = tuple((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files)
    return Order(digest=champion.bundle.digest, files=stats, keep=keep, size=size)


def run(
    champion: Champion,
    job: Job,
    order: Order,
    done: dict[tuple[int, int], Mark],
    *,
    threads: int,
    advance: Callable[[int], None] = lambda _: None,
) -> list[Mark]:
    """Score what `done` does not have yet, and finish the job; return the marks of all its parts.

    Raises MissingColumn, SourceError, UnorderedRows and FeatureError.
    """
    collect_as_usual()
    look_back = champion.bundle.passport.request.look_back
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Mark]] = deque()
        try:
            step = _Sequential(champion, job, order, done) if look_back else Free(champion, job, order)
            for file, chunk in _chunks_to_do(champion, order, done):
                waiting.append(pool.submit(step.prepare(file, chunk)))
                # Two chunks more than threads, so that none waits for the reader, and no more than these in memory.
                while len(waiting) > threads + 1:
                    advance(waiting.popleft().result().rows)
            while waiting:
                advance(waiting.popleft().result().rows)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    marks = job.marks()
    job.finish()
    return marks


def _chunks_to_do(champion: Champion, order: Order, done: dict[tuple[int, int], Mark]):
    request = champion.bundle.passport.request
    for file, (name, *_) in enumerate(order.files):
        skip = 0
        while (file, skip) in done:
            skip += 1
        for chunk in read_chunks(Path(name), request, order.keep, size=order.size, skip=skip):
            if (file, chunk.first // order.size) not in done:
                yield file, chunk


class Free:
    """Chunks whose rows stand for themselves: all of the work is done in a thread."""

    def __init__(self, champion: Champion, job: Job, order: Order) -> None:
        self.champion, self.job, self.order = champion, job, order

    def prepare(self, file: int, chunk: Chunk) -> Callable[[], Mark]:
        """Return what a thread does with a chunk."""
        return lambda: self._score(file, chunk)

    def _score(self, file: int, chunk: Chunk) -> Mark:
        request = self.champion.bundle.passport.request
        judged = judge(chunk.rows, request)
        scores, refused = _score_free(self.champion.scorer, judged.valid)
        reasons = pd.concat([judged.reasons, refused]).sort_index() if len(refused) else judged.reasons
        kept = judged.valid.index.difference(refused.index) if len(refused) else judged.valid.index
        return _write(self, file, chunk, scores, kept, reasons, None)


class _Sequential:
    """Chunks whose rows look back on those before: only the scoring is done in a thread."""

    def __init__(self, champion: Champion, job: Job, order: Order, done: dict[tuple[int, int], Mark]) -> None:
        self.champion, self.job, self.order = champion, job, order
        self._known = set(done)
        self._last: tuple[int, int] | None = None
        self._tail: pd.DataFrame | None = None

    def prepare(self, file: int, chunk: Chunk) -> Callable[[], Mark]:
        """Return what a thread does with a chunk and the rows before it."""
        request = self.champion.bundle.passport.request
        here = (file, chunk.first // self.order.size)
        before = self._rows_before(here)
        newest = before[request.time].max() if before is not None and request.time and len(before) else None
        judged = judge(chunk.rows, request, newest)
        rows = judged.valid if before is None else pd.concat([before, judged.valid])
        self._tail = tail = keep_last(rows, request)
        rows = keep_needed(rows, len(judged.valid), request)
        self._last = here
        self._known.add(here)
        return lambda: self._score(file, chunk, judged, rows, tail)

    def _rows_before(self, here: tuple[int, int]) -> pd.DataFrame | None:
        earlier = [each for each in self._known if each < here]
        if not earlier:
            return None
        # Of another run where that one had scored the chunk before this one.
        return self._tail if max(earlier) == self._last else self.job.read_tail(*max(earlier))

    def _score(self, file: int, chunk: Chunk, judged: Judged, rows: pd.DataFrame, tail: pd.DataFrame) -> Mark:
        request = self.champion.bundle.passport.request
        # No row of a tail has its look-back in it.
        reached = np.arange(len(rows))[reach_back(rows, request.look_back, request.entity)]
        kept = judged.valid.index[reached - (len(rows) - len(judged.valid))]
        scores = self.champion.scorer.score_frame(_settle(rows)) if len(kept) else np.empty(0)
        return _write(self, file, chunk, scores, kept, judged.reasons, tail)


def _settle(rows: pd.DataFrame) -> pd.DataFrame:
    # Categories of two chunks side by side are texts until they are categories again.
    texts = {name: rows[name].astype("category") for name in rows.select_dtypes("object")}
    return rows.assign(**texts).reset_index(drop=True)


def _score_free(scorer: "Scorer", rows: pd.DataFrame) -> tuple[np.ndarray, pd.Series]:
    # A feature of one row that is infinite must not cost the others their scores.
    if rows.empty:
        return np.empty(0), pd.Series(dtype=object)
    try:
        return scorer.score_frame(rows), pd.Series(dtype=object)
    except FeatureError as error:
        if len(rows) == 1:
            return np.empty(0), pd.Series([str(error)], index=rows.index, dtype=object)
    half = len(rows) // 2
    parts = [_score_free(scorer, each) for each in (rows.iloc[:half], rows.iloc[half:])]
    known = [scores for scores, _ in parts if len(scores)]
    return np.concatenate(known) if known else np.empty(0), pd.concat([reasons for _, reasons in parts])


def _write(
    step: Free | _Sequential,
    file: int,
    chunk: Chunk,
    scores: np.ndarray,
    kept: pd.Index,
    reasons: pd.Series,
    tail: pd.DataFrame | None,
) -> Mark:
    mark = Mark(
        chunk=chunk.first // step.order.size,
        file=file,
        rows=len(chunk.rows),
        scored=len(kept),
        quarantined=len(reasons),
        history=len(chunk.rows) - len(kept) - len(reasons),
    )
    scored = tabulate(step.champion.bundle, scores, chunk, kept, step.order.keep)
    step.job.write(mark, scored, set_aside(chunk, reasons), tail)
    return mark
