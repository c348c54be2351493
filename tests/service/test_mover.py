import time
from pathlib import Path

import pytest

from keepfit.serving.drain import drain_lock
from keepfit.serving.journal import Journal, find_segments
from keepfit.serving.location import JOURNAL
from keepfit.serving.mover import Mover, read_status
from tests.logged import lines, predicted


def test_no_second_drainer_is_started_where_one_is_at_work(tmp_path: Path):
    mover = Mover(tmp_path)
    with drain_lock(tmp_path):
        mover.tend()
    assert mover._process is None


def test_a_drainer_that_cannot_work_is_started_ever_more_seldom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KEEPFIT_LOG_URL", "nothing like a url")
    mover = Mover(tmp_path)
    mover.tend()
    assert mover._process.wait(20) == 1
    mover.tend()
    assert mover._process is None
    assert mover._pause == 1.0


def test_at_the_end_the_drainer_has_moved_what_was_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("KEEPFIT_LOG_URL", raising=False)
    journal, mover = Journal(tmp_path / JOURNAL, limit_bytes=1_000_000), Mover(tmp_path)
    journal.append(lines(predicted("a")))
    mover.tend()
    until = time.monotonic() + 20
    while read_status(tmp_path) is None and time.monotonic() < until:
        time.sleep(0.05)
    journal.append(lines(predicted("b")))
    journal.close()
    mover.stop()
    assert find_segments(tmp_path / JOURNAL) == []
    assert read_status(tmp_path).moved == 2
