"""Drainer: the segments of a journal moved into the database, and what is told of that."""

import fcntl
import json
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, select
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from keepfit.files import replacing
from keepfit.serving.journal import find_segments
from keepfit.serving.location import JOURNAL, STATUS
from keepfit.serving.mover import Status
from keepfit.serving.records import Record, encode_lines
from keepfit.serving.segment import Chunk, Segment
from keepfit.serving.storage import remember, store
from keepfit.serving.tables import prepare, segments

logger = logging.getLogger("keepfit.log")
BATCH, REFUSED = ".batch.lock", "refused.jsonl"
# What the database says of a value, and not of itself.
REFUSALS = (DataError, IntegrityError, OverflowError)


@dataclass
class Drainer:
    """Moves the segments of one folder to one database; the caller holds the folder's lock."""

    folder: Path
    engine: Engine
    status: Status = field(default_factory=Status)
    # Up to where each segment has been moved; None before the database told.
    _moved: dict[str, int] | None = None
    _left: float = 0.0

    def drain(self) -> int:
        """Move all that is there by now; return how many records. Raises SQLAlchemyError where the database fails."""
        if self._moved is None:
            prepare(self.engine)
            # Other machines may have theirs in the same database.
            here = [path.name for path in find_segments(self.folder / JOURNAL)]
            with self.engine.connect() as connection:
                found = connection.execute(select(segments).where(segments.c.name.in_(here)))
                self._moved = {row.name: row.moved for row in found}
        before = self.status.moved
        # What comes meanwhile can wait for the next time: a commit for each few records costs more than they do.
        while self._drain_once(self._moved):
            self.leave_status()
        self.status.error = None
        self.leave_status()
        return self.status.moved - before

    def leave_status(self, *, every: float = 0.5) -> None:
        """Write what the service tells of the drainer, not oftener than it is read."""
        if time.monotonic() - self._left < every:
            return
        self._left = time.monotonic()
        self.status.at = time.time()
        self.status.waiting, self.status.waiting_bytes = self._count_waiting()
        with suppress(OSError), replacing(self.folder / STATUS) as partial:
            partial.write_text(json.dumps(asdict(self.status)))

    def fail(self, error: SQLAlchemyError) -> None:
        """Take note that the database failed."""
        self.status.failures += 1
        told = first_line(error)
        if told != self.status.error:
            logger.error("the prediction log's database does not answer, nothing is lost: %s", told)
        self.status.error = told
        self.leave_status()

    def _drain_once(self, moved: dict[str, int]) -> bool:
        """Move a chunk of each segment; return whether there was more in one of them."""
        more = False
        for path in find_segments(self.folder / JOURNAL):
            with batch_lock(self.folder), suppress(FileNotFoundError), Segment(path) as segment:
                start = moved.get(path.name, 0)
                chunk = segment.read(start)
                if chunk.end > start:
                    self._commit(path.name, chunk)
                    moved[path.name] = chunk.end
                    more |= chunk.more
                if segment.final and chunk.end >= segment.size:
                    segment.remove()
        self._forget(moved)
        return more

    def _commit(self, name: str, chunk: Chunk) -> None:
        try:
            with self.engine.begin() as connection:
                store(connection, chunk.records)
                remember(connection, name, chunk.end)
        except REFUSALS:
            with self.engine.begin() as connection:
                self._store_singly(connection, chunk.records)
                remember(connection, name, chunk.end)
        self.status.moved += len(chunk.records)
        self.status.torn += chunk.torn

    def _store_singly(self, connection: Connection, records: Sequence[Record]) -> None:
        # What the database will never take must not keep back all that comes after it.
        for record in records:
            try:
                with connection.begin_nested():
                    store(connection, [record])
            except REFUSALS as error:
                with (self.folder / REFUSED).open("ab") as file:
                    file.write(encode_lines([record]))
                self.status.refused += 1
                logger.error("a record was refused and is kept in %s: %s", REFUSED, first_line(error))

    def _forget(self, moved: dict[str, int]) -> None:
        gone = set(moved) - {path.name for path in find_segments(self.folder / JOURNAL)}
        if len(gone) > 20 or (gone and not find_segments(self.folder / JOURNAL)):
            with self.engine.begin() as connection:
                connection.execute(delete(segments).where(segments.c.name.in_(gone)))
            for name in gone:
                del moved[name]

    def _count_waiting(self) -> tuple[int, int]:
        lines = size = 0
        for path in find_segments(self.folder / JOURNAL):
            with suppress(FileNotFoundError), path.open("rb") as file:
                file.seek((self._moved or {}).get(path.name, 0))
                while data := file.read(1_000_000):
                    lines += data.count(b"\n")
                    size += len(data)
        return lines, size


@contextmanager
def batch_lock(folder: Path) -> Iterator[None]:
    """Keep the drainer and an erasure apart: what one has read the other has not yet cleared."""
    with (folder / BATCH).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def first_line(error: BaseException) -> str:
    """Return what a database said, on one line and without the statement and its values."""
    cause = getattr(error, "orig", None) or error
    return " ".join(str(cause).split())[:200] or type(cause).__name__
