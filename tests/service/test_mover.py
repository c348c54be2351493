import time
from pathlib import Path
from threading import Thread

import pytest

from keepfit.serving.drain import drain_lock
from keepfit.serving.journal import Journal, find_segments
from keepfit.serving.location import JOURNAL, STATUS
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
    assert mover._process.wait(60) == 1
    mover.tend()
    assert mover._process is None
    assert mover._pause == 1.0


def test_at_the_end_the_drainer_has_moved_what_was_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("KEEPFIT_LOG_URL", raising=False)
    journal, mover = Journal(tmp_path / JOURNAL, limit_bytes=1_000_000), Mover(tmp_path)
    journal.append(lines(predicted("a")))
    mover.tend()
    until = time.monotonic() + 60
    while read_status(tmp_path) is None and time.monotonic() < until:
        time.sleep(0.05)
    journal.append(lines(predicted("b")))
    journal.close()
    mover.stop(journal.left)
    assert find_segments(tmp_path / JOURNAL) == []
    assert read_status(tmp_path).moved == 2


def write(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """A journal of one record, to be moved to the folder's own database."""
    monkeypatch.delenv("KEEPFIT_LOG_URL", raising=False)
    journal = Journal(folder / JOURNAL, limit_bytes=1_000_000)
    journal.append(lines(predicted("a")))
    journal.close()
    return journal


def test_a_drainer_that_is_told_to_end_before_it_listens_is_made_up_for(tmp_path, monkeypatch):
    journal, mover = write(tmp_path, monkeypatch), Mover(tmp_path)
    mover.tend()
    mover.stop(journal.left)
    assert journal.left() == []
    assert read_status(tmp_path).moved == 1


def test_a_worker_without_a_drainer_waits_for_another_s_and_moves_what_that_left(tmp_path, monkeypatch):
    journal, mover = write(tmp_path, monkeypatch), Mover(tmp_path)
    with drain_lock(tmp_path):
        ending = Thread(target=mover.stop, args=(journal.left,))
        ending.start()
        time.sleep(0.3)
        assert ending.is_alive()
        assert mover._process is None
    ending.join(60)
    assert journal.left() == []


def test_at_the_end_a_database_that_fails_is_asked_for_one_drainer_s_time(tmp_path, monkeypatch):
    journal, mover = write(tmp_path, monkeypatch), Mover(tmp_path)
    monkeypatch.setenv("KEEPFIT_LOG_URL", "nothing like a url")
    mover.stop(journal.left)
    assert mover._process is None
    assert len(journal.left()) == 1


def test_a_worker_that_wrote_nothing_starts_no_drainer_to_end(tmp_path, monkeypatch):
    write(tmp_path, monkeypatch)
    mover = Mover(tmp_path)
    mover.stop(list)
    assert not (tmp_path / STATUS).exists()
