"""Removal: what is taken out of the log for good, by its age or by whom it is about, from database and journal."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Engine, Table, delete, exists, insert, or_, select, text, tuple_

from keepfit.errors import LogError
from keepfit.serving.drainer import REFUSED, batch_lock
from keepfit.serving.journal import find_segments
from keepfit.serving.location import JOURNAL
from keepfit.serving.pii import as_text, hash_value, write_time
from keepfit.serving.records import Outcome, Predicted, Record
from keepfit.serving.segment import Segment
from keepfit.serving.tables import earlier, outcomes, predictions, prepare, removals

# Keys in one statement.
MANY = 500
# How often SQLite is asked for a checkpoint; each time it waits for those who read.
ATTEMPTS = 3


@dataclass(frozen=True)
class Removed:
    """How many rows of each table, and how many lines of the journal that were not in the database yet or still."""

    predictions: int = 0
    outcomes: int = 0
    earlier: int = 0
    journal: int = 0

    def __bool__(self) -> bool:
        return any(astuple(self))

    def __str__(self) -> str:
        return (
            f"{self.predictions} predictions, {self.outcomes} outcomes, {self.earlier} rows for look-back, "
            f"{self.journal} lines of the journal"
        )


@dataclass(frozen=True)
class Subject:
    """Whom rows are about: a column, and its value as the log may have it, in clear or hashed."""

    column: str
    values: frozenset[str]

    def is_in(self, row: bytes | str | msgspec.Raw) -> bool:
        """Tell whether a row, as JSON, is about the subject."""
        value = msgspec.json.decode(row).get(self.column)
        return value is not None and as_text(value) in self.values


@dataclass(frozen=True)
class Request:
    """Who asks for a removal, and whether it is to be done, or only counted."""

    who: str
    do: bool


def name_subject(column: str, value: str, key: bytes | None) -> Subject:
    """Return the subject whose column has a value; with a key the value's hash is meant, too."""
    return Subject(column, frozenset([value, *([str(hash_value(value, key))] if key else [])]))


def erase(folder: Path, engine: Engine, subject: Subject, request: Request) -> Removed:
    """Take out all rows about a subject with their outcomes.

    Raises SQLAlchemyError, and then nothing is changed, and LogError as `checkpoint`.
    """
    prepare(engine)
    with batch_lock(folder), ExitStack() as stack, engine.connect() as connection:
        files = [stack.enter_context(segment) for segment in _open_files(folder)]
        ids = set(_find(connection, predictions, [predictions.c.id], subject))
        waiting = [record for file in files for record in file.records() if isinstance(record, Predicted)]
        told = {record.id for record in waiting if subject.is_in(record.row)}
        rows = list(_find(connection, earlier, [earlier.c.request, earlier.c.number], subject))
        found = Removed(
            predictions=_delete(connection, predictions, [predictions.c.id], ids),
            outcomes=_delete(connection, outcomes, [outcomes.c.id], {*ids, *((name,) for name in told)}),
            earlier=_delete(connection, earlier, [earlier.c.request, earlier.c.number], rows),
        )
        gone = {name for (name,) in ids} | told

        def chosen(record: Record) -> bool:
            if isinstance(record, Outcome):
                return record.id in gone
            return subject.is_in(record.row)

        return _finish(connection, files, chosen, found, request, ("erase", subject.column))


def prune(folder: Path, engine: Engine, before_ns: int, request: Request) -> Removed:
    """Take out what was logged before a time, and its outcomes; raise as `erase`."""
    prepare(engine)
    with batch_lock(folder), ExitStack() as stack, engine.connect() as connection:
        files = [stack.enter_context(segment) for segment in _open_files(folder)]
        old = predictions.c.time_ns < before_ns
        theirs = outcomes.c.id.in_(select(predictions.c.id).where(old))
        # An outcome whose prediction never came stays no longer than a prediction would.
        alone = (outcomes.c.time_ns < before_ns) & ~exists().where(predictions.c.id == outcomes.c.id)
        found = Removed(
            outcomes=connection.execute(delete(outcomes).where(or_(theirs, alone))).rowcount,
            predictions=connection.execute(delete(predictions).where(old)).rowcount,
            earlier=connection.execute(delete(earlier).where(earlier.c.time_ns < before_ns)).rowcount,
        )

        def chosen(record: Record) -> bool:
            return not isinstance(record, Outcome) and record.time_ns < before_ns

        return _finish(connection, files, chosen, found, request, ("prune", f"before {write_time(before_ns)}"))


def _finish(
    connection: Connection,
    files: list[Segment],
    chosen: Callable[[Record], bool],
    found: Removed,
    request: Request,
    what: tuple[Literal["erase", "prune"], str],
) -> Removed:
    """Do it, or leave all as it was, and return what was found."""
    lines = sum(file.blank(chosen) if request.do else file.count(chosen) for file in files)
    found = Removed(**{**asdict(found), "journal": lines})
    if not request.do:
        connection.rollback()
        return found
    action, about = what
    told = {"time_ns": time.time_ns(), "action": action, "who": request.who, "what": about}
    connection.execute(insert(removals), told | asdict(found))
    connection.commit()
    checkpoint(connection.engine)
    return found


def checkpoint(engine: Engine) -> None:
    """Have SQLite take what was removed from the tables out of its files: the database, and the one written ahead.

    Raises LogError where somebody who reads keeps it from that for too long.
    """
    if engine.dialect.name != "sqlite":
        return
    with engine.connect() as connection:
        for _ in range(ATTEMPTS):
            busy, *_rest = connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).one()
            if not busy:
                return
    raise LogError(
        f"{engine.url.database}: what was removed from the tables may still be in this file and its -wal, as somebody "
        "goes on reading the log; give the same command again once that has ended"
    )


def _open_files(folder: Path) -> Iterator[Segment]:
    refused = folder / REFUSED
    for path in [*find_segments(folder / JOURNAL), *([refused] if refused.exists() else [])]:
        with suppress(FileNotFoundError):
            yield Segment(path)


def _find(connection: Connection, table: Table, keys: list[Any], subject: Subject) -> Iterator[tuple[Any, ...]]:
    statement = select(*keys, table.c.row)
    if not any(map(_is_number, subject.values)):
        # As JSON writes them; a number may be written in more ways than one.
        parts = [msgspec.json.encode(value)[1:-1].decode() for value in subject.values]
        statement = statement.where(or_(*(table.c.row.contains(part, autoescape=True) for part in parts)))
    # Fetched part by part: the whole log need not fit into memory.
    for *key, row in connection.execution_options(yield_per=10_000).execute(statement):
        if subject.is_in(row):
            yield tuple(key)


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _delete(connection: Connection, table: Table, keys: list[Any], chosen: Iterable[tuple[Any, ...]]) -> int:
    found, count = list(chosen), 0
    for start in range(0, len(found), MANY):
        part = found[start : start + MANY]
        count += connection.execute(delete(table).where(tuple_(*keys).in_(part))).rowcount
    return count
