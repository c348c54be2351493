"""Keep: what a worker logs of its answers, and of the outcomes that it is told."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from keepfit.passport import Request
from keepfit.serving.answers import Prediction, new_id
from keepfit.serving.checks import Rows
from keepfit.serving.feedback import Outcome as Told
from keepfit.serving.journal import Journal
from keepfit.serving.mover import JOURNAL, Mover
from keepfit.serving.pii import make_writer, read_key
from keepfit.serving.records import Earlier, Outcome, Predicted, Record, Role, encode_lines
from keepfit.serving.served import Served


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
        self._writers: dict[str, Any] = {}

    def prepare(self, served: Served) -> None:
        """Make ready to log what a model answers; raise LogError where there is no key for personal columns."""
        self._writers[served.digest] = self._make_writer(served.passport.request)

    def keep(
        self, served: Served, rows: Rows, predictions: Sequence[Prediction], context: Context, *, took: float
    ) -> bool:
        """Log the answers to one request, all or none; return whether they are in the log. `took`: seconds."""
        if served.digest not in self._writers:
            self.prepare(served)
        write = self._writers[served.digest]
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
        return self.journal.append(encode_lines([Outcome(each.id, each.value, now, key) for each in outcomes]))

    def tend(self) -> None:
        """Do what is due every second."""
        self.journal.tend()
        self.mover.tend()

    def close(self) -> None:
        """Write no more, and have what is there moved to the database."""
        self.journal.close()
        self.mover.stop()

    def _make_writer(self, request: Request) -> Any:
        columns = request.columns
        personal = any(column.pii == "hash" for column in columns.values())
        return make_writer(columns, read_key(self._pii_key, self.folder) if personal else None)
