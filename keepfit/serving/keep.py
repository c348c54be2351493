"""Keep: what a worker logs of its answers, and of the outcomes that it is told."""

import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from keepfit.errors import LogError
from keepfit.serving.answers import Prediction, new_id
from keepfit.serving.checks import Rows
from keepfit.serving.feedback import Outcome as Told
from keepfit.serving.journal import Journal
from keepfit.serving.location import JOURNAL, read_url
from keepfit.serving.mover import Mover, Status, read_status
from keepfit.serving.pii import make_writer, read_key
from keepfit.serving.records import Earlier, Outcome, Predicted, Record, Role, encode_lines
from keepfit.serving.served import Served
from keepfit.serving.values import Typed

if TYPE_CHECKING:
    from sqlalchemy import Engine

logger = logging.getLogger("bentoml.keepfit.log")
Writer = Callable[[Sequence[Typed]], msgspec.Raw]


class Context(NamedTuple):
    """Who asked, who answers, and in which request; None where it has no id yet."""

    key: str
    role: Role
    request: str | None = None


class Log:
    """The prediction log of one worker: it writes to the journal, and sees to it that this is moved on."""

    def __init__(self, folder: Path, *, limit_bytes: int, pii_key: Path | None) -> None:
        self.folder = folder
        self.journal = Journal(folder / JOURNAL, limit_bytes=limit_bytes)
        self.mover = Mover(folder)
        self._pii_key = pii_key
        self._writers: dict[str, Writer] = {}

    def prepare(self, served: Served) -> Writer:
        """Make ready to log what a model answers; raise LogError where there is no key for personal columns."""
        columns = served.passport.request.columns
        personal = any(column.pii == "hash" for column in columns.values())
        writer = make_writer(columns, read_key(self._pii_key, self.folder) if personal else None)
        self._writers[served.digest] = writer
        return writer

    def keep(
        self, served: Served, rows: Rows, predictions: Sequence[Prediction], context: Context, *, took: float
    ) -> bool:
        """Log the answers to one request, all or none; return whether they are in the log. `took`: seconds."""
        try:
            write = self._writers.get(served.digest) or self.prepare(served)
        except LogError as error:
            logger.error("nothing of %s is logged: %s", served.passport.version, error)
            return self.journal.drop(len(predictions))
        now = time.time_ns()
        request = context.request or (predictions[0].id if len(predictions) == 1 else new_id())
        version, digest, microseconds = served.passport.version, served.digest, int(1e6 * took)
        records: list[Record] = [
            Predicted(
                each.id,
                now,
                request,
                each.row,
                context.key,
                write(rows.values[each.row]),
                each.score,
                version,
                digest,
                microseconds,
                None if each.decision is msgspec.UNSET else each.decision,
                None if each.scores is msgspec.UNSET else list(each.scores.values()),
                context.role,
            )
            for each in predictions
        ]
        if len(rows.values) > len(predictions) and context.role != "challenger":
            scored = set(rows.scored)
            records += [
                Earlier(request, number, now, write(values))
                for number, values in enumerate(rows.values)
                if number not in scored
            ]
        return self.journal.append(encode_lines(records))

    def keep_outcomes(self, outcomes: Sequence[Told], key: str) -> bool:
        """Log outcomes, all or none; return whether they are in the log."""
        now = time.time_ns()
        # Of two about one prediction the later one counts.
        told = [Outcome(each.id, each.value, now + place, key) for place, each in enumerate(outcomes)]
        return self.journal.append(encode_lines(told))

    def status(self) -> Status:
        """Return what the drainer last left; all that is in the journal waits where there is nothing of it."""
        return read_status(self.folder) or Status(waiting_bytes=self.journal.bytes)

    def tend(self) -> None:
        """Do what is due every second."""
        self.journal.tend()
        self.mover.tend()

    def close(self) -> None:
        """Write no more, and have what is there moved to the database."""
        self.journal.close()
        self.mover.stop(self.journal.left)

    def find(self, name: str, models: Iterable[Served]) -> dict[str, Any] | None:
        """Return a prediction with all that is known of it, or None; raise LogError where the database fails."""
        from sqlalchemy.exc import SQLAlchemyError

        from keepfit.serving.archive import find

        try:
            return find(self._engine, name, models)
        except SQLAlchemyError as error:
            logger.error("the prediction log's database does not answer: %s", type(error).__name__)
            raise LogError("the database of the prediction log does not answer") from None

    @cached_property
    def _engine(self) -> "Engine":
        from keepfit.serving.tables import open_log, prepare

        engine = open_log(read_url(os.environ, self.folder))
        # The drainer may not have come to it yet.
        prepare(engine)
        return engine
