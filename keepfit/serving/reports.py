"""Reports: what others than the counters have to tell to Prometheus."""

import time
from collections import Counter
from typing import Literal

from keepfit.serving.exposition import Family, Sample
from keepfit.serving.keep import Log
from keepfit.serving.served import Served

# Seconds without a word of the drainer.
SILENT = 15.0


def report_model(served: list[tuple[str, Served]]) -> list[Family]:
    """Return which models answer, by role."""
    told = [
        Sample(
            "",
            {
                "role": role,
                "dataset": each.passport.dataset,
                "version": each.passport.version,
                "digest": each.digest,
                "compiled": str(each.scorer.compiled).lower(),
            },
            1,
        )
        for role, each in served
    ]
    return [Family("keepfit_model_info", "gauge", "The models that answer.", told, "max")]


def report_access(refused: Counter[str]) -> list[Family]:
    """Return how many requests were not let in, by reason."""
    told = [Sample("_total", {"reason": reason}, count) for reason, count in refused.items()]
    return [Family("keepfit_refused_keys", "counter", "Requests that were not let in.", told)]


def report_log(log: Log | None) -> list[Family]:
    """Return what waits for the database, what was moved into it, and what had to be dropped."""
    if log is None:
        return []
    journal, status = log.journal, log.status()
    age = time.time() - status.at
    # A drainer that is silent may have ended: then all that is on the disk may wait.
    waiting = status.waiting_bytes if age < SILENT else journal.bytes
    counts = {"moved": status.moved, "torn": status.torn, "refused": status.refused}
    records = [Sample("_total", {"outcome": name}, count) for name, count in counts.items()]
    return [
        _gauge("keepfit_log_waiting", "Records that wait for the database.", status.waiting),
        _gauge("keepfit_log_waiting_bytes", "Bytes that wait for the database.", waiting),
        _gauge("keepfit_log_bytes", "Bytes of the journal on the disk.", journal.bytes),
        _gauge("keepfit_log_drainer_age_seconds", "Since the drainer was last heard of.", age),
        _counter("keepfit_log_written", "Records that are in the journal, or in the database by now.", journal.written),
        _counter("keepfit_log_dropped", "Records that were dropped.", journal.dropped),
        # The drainer is one for all processes of a service: the counts are its own.
        Family("keepfit_log_records", "counter", "Records by what the drainer did.", records, "max"),
        _counter("keepfit_log_failures", "Times that the database failed.", status.failures, "max"),
    ]


def _gauge(name: str, help_: str, value: float) -> Family:
    return Family(name, "gauge", help_, [Sample("", {}, value)], "max")


def _counter(name: str, help_: str, value: float, across: Literal["sum", "max"] = "sum") -> Family:
    return Family(name, "counter", help_, [Sample("_total", {}, value)], across)
