"""Reports: what others than the counters have to tell to Prometheus."""

from collections import Counter
from typing import Any

from keepfit.serving.exposition import Family, Sample
from keepfit.serving.served import Served


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


def report_journal(journal: Any) -> list[Family]:
    """Return what waits for the database, and what had to be dropped."""
    if journal is None:
        return []
    waiting, kept = Sample("", {}, journal.waiting), Sample("", {}, journal.bytes)
    return [
        Family("keepfit_log_waiting", "gauge", "Records that wait for the database.", [waiting]),
        Family("keepfit_log_waiting_bytes", "gauge", "Bytes that wait for the database.", [kept]),
        Family("keepfit_log_dropped", "counter", "Records that were dropped.", [Sample("_total", {}, journal.dropped)]),
    ]
