from pathlib import Path

import pytest

from keepfit.serving.drainer import Drainer
from keepfit.serving.keep import Log
from keepfit.serving.reports import SILENT, report_log
from keepfit.serving.tables import open_log
from tests.logged import lines, outcome, predicted


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path, limit_bytes=1_000_000, pii_key=None)


def told(log: Log) -> dict[str, float]:
    return {
        "".join([family.name, sample.suffix, *sample.labels.values()]): sample.value
        for family in report_log(log)
        for sample in family.samples
    }


def test_no_log_tells_nothing():
    assert report_log(None) == []


def test_before_a_drainer_was_heard_of_all_bytes_wait(log):
    log.journal.append(lines(predicted("a")))
    found = told(log)
    assert found["keepfit_log_waiting_bytes"] == found["keepfit_log_bytes"] == log.journal.bytes > 0
    assert found["keepfit_log_written_total"] == 1
    assert found["keepfit_log_drainer_age_seconds"] > SILENT


def test_what_was_moved_does_not_wait(log):
    log.journal.append(lines(predicted("a"), outcome("a", True)))
    drainer = Drainer(log.folder, open_log(f"sqlite:///{log.folder / 'log.sqlite'}"))
    drainer.drain()
    drainer.leave_status(every=0)
    found = told(log)
    assert (found["keepfit_log_waiting"], found["keepfit_log_waiting_bytes"]) == (0, 0)
    assert found["keepfit_log_records_totalmoved"] == 2


def test_what_could_not_be_written_is_counted(log):
    (log.folder / "journal").write_text("in the way of the folder")
    log.journal.append(lines(predicted("a"), predicted("b")))
    assert told(log)["keepfit_log_dropped_total"] == 2
