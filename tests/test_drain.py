import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Row, select
from sqlalchemy.exc import OperationalError

from keepfit.serving import drain as drains
from keepfit.serving.drain import drain_lock, finish, follow
from keepfit.serving.drainer import REFUSED, Drainer, batch_lock, first_line
from keepfit.serving.journal import Journal, find_segments
from keepfit.serving.location import JOURNAL
from keepfit.serving.mover import read_status
from keepfit.serving.records import Outcome, encode_lines
from keepfit.serving.storage import store
from keepfit.serving.tables import earlier as earlier_table
from keepfit.serving.tables import open_log, outcomes, predictions, prepare, segments
from tests.logged import SECOND, earlier, lines, outcome, predicted


class Log:
    """A folder, its journal and its drainer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = open_log(f"sqlite:///{folder / 'log.sqlite'}")
        self.journal = self.another_worker()
        self.drainer = self.another_drainer()

    def another_worker(self) -> Journal:
        return Journal(self.folder / JOURNAL, limit_bytes=10_000_000)

    def another_drainer(self) -> Drainer:
        return Drainer(self.folder, self.engine)

    def ids(self) -> list[str]:
        return self.read(select(predictions.c.id).order_by(predictions.c.id))

    def outcomes(self) -> dict[str, object]:
        with self.engine.connect() as connection:
            found = connection.execute(select(outcomes.c.id, outcomes.c.value, outcomes.c.time_ns))
            return {row.id: (msgspec.json.decode(row.value), row.time_ns // SECOND) for row in found}

    def read(self, statement) -> list:
        with self.engine.connect() as connection:
            return list(connection.execute(statement).scalars())


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def test_every_field_of_a_record_is_in_its_row(log):
    log.journal.append(lines(predicted("a", role="canary", label="late", scores=[0.75, 0.25], number=3)))
    log.drainer.drain()
    with log.engine.connect() as connection:
        row = connection.execute(select(predictions)).one()._asdict()
    assert row == {
        "id": "a",
        "time_ns": SECOND,
        "request": "request of a",
        "number": 3,
        "key": "key",
        "role": "canary",
        "score": 0.25,
        "scores": "[0.75,0.25]",
        "label": '"late"',
        "version": "v1",
        "digest": "d1",
        "latency_us": 150,
        "row": '{"x":1.5,"c":"a"}',
    }


def test_a_segment_goes_only_when_it_is_given_up_and_moved(log):
    log.journal.append(lines(predicted("a")))
    assert log.drainer.drain() == 1
    assert len(find_segments(log.folder / JOURNAL)) == 1
    log.journal.append(lines(predicted("b")))
    log.journal.close()
    assert log.drainer.drain() == 1
    assert find_segments(log.folder / JOURNAL) == []
    assert log.ids() == ["a", "b"]
    assert log.read(select(segments.c.name)) == []


def test_another_drainer_goes_on_where_the_last_one_stopped(log):
    log.journal.append(lines(predicted("a")))
    log.drainer.drain()
    log.journal.append(lines(predicted("b")))
    assert log.another_drainer().drain() == 1


def test_two_workers_write_at_once_and_all_is_moved(log):
    other = log.another_worker()
    for number in range(5):
        log.journal.append(lines(predicted(f"a{number}")))
        other.append(lines(predicted(f"b{number}")))
    assert log.drainer.drain() == 10
    assert len(log.ids()) == 10


def test_a_torn_last_line_is_skipped_and_counted_once_its_writer_is_gone(log):
    log.journal.append(lines(predicted("a")))
    path = find_segments(log.folder / JOURNAL)[0]
    with path.open("ab") as file:
        file.write(lines(predicted("b"))[:-20])
    log.drainer.drain()
    assert (log.drainer.status.torn, path.exists()) == (0, True)
    log.journal.close()
    log.drainer.drain()
    assert (log.drainer.status.torn, path.exists()) == (1, False)
    assert log.ids() == ["a"]


def test_a_broken_line_in_the_middle_does_not_hide_those_after_it(log):
    log.journal.append(lines(predicted("a")) + b'{"kind":"predicted"}\n\x00\x00\n' + lines(predicted("b")))
    log.drainer.drain()
    assert (log.ids(), log.drainer.status.torn) == (["a", "b"], 2)


def test_what_comes_while_lines_are_moved_waits_for_the_next_time(log, monkeypatch):
    def store_slowly(connection, records):
        log.journal.append(lines(predicted(f"after {len(records)} more")))
        store(connection, records)

    log.journal.append(lines(predicted("a"), predicted("b")))
    monkeypatch.setattr("keepfit.serving.drainer.store", store_slowly)
    assert log.drainer.drain() == 2
    assert log.ids() == ["a", "b"]
    assert log.drainer.drain() == 1


def test_lines_longer_than_a_chunk_are_moved(log, monkeypatch):
    monkeypatch.setattr("keepfit.serving.segment.Segment.read.__kwdefaults__", {"most": 50})
    log.journal.append(lines(predicted("a", row={"x": "y" * 500}), predicted("b")))
    assert log.drainer.drain() == 2


def test_rows_for_look_back_are_kept_once(log):
    log.journal.append(lines(earlier("r", 0), earlier("r", 1), earlier("r", 0)))
    log.drainer.drain()
    assert log.read(select(earlier_table.c.number)) == [0, 1]


def test_an_outcome_may_come_before_its_prediction(log):
    log.journal.append(lines(outcome("a", True)))
    log.drainer.drain()
    log.journal.append(lines(predicted("a")))
    log.drainer.drain()
    assert (log.ids(), log.outcomes()) == (["a"], {"a": (True, 2)})


def store_outcomes(*parts: list[tuple[int, float | bool]]) -> Row:
    """What a log has of one prediction once these times and values were told, part by part."""
    engine = open_log("sqlite://")
    prepare(engine)
    with engine.begin() as connection:
        for part in parts:
            store(connection, [Outcome("a", value, at, "key") for at, value in part])
        return connection.execute(select(outcomes)).one()


@given(st.permutations([(1, 10.0), (2, 20.0), (3, 20.0), (4, 30.0), (5, 30.0)]), st.integers(1, 5))
def test_the_newest_outcome_stays_in_whatever_order_they_come_and_however_often(told, cut):
    row = store_outcomes(told[:cut], told[cut:], told)
    assert row.value == "30.0"
    assert row.time_ns == 4


@given(st.permutations([(1, False), (2, True), (3, False)]), st.integers(1, 3))
def test_what_was_told_last_counts_also_where_it_was_told_before(told, cut):
    row = store_outcomes(told[:cut], told[cut:], told)
    assert row.value == "false"
    assert row.time_ns in (1, 3)


def test_a_log_from_before_is_carried_on(tmp_path):
    engine = open_log(f"sqlite:///{tmp_path / 'log.sqlite'}")
    prepare(engine)
    with engine.begin() as connection:
        store(connection, [Outcome("a", True, 2, "key")])
        connection.exec_driver_sql("ALTER TABLE keepfit_outcomes DROP COLUMN last_ns")
    for _ in range(2):
        prepare(engine)
    with engine.begin() as connection:
        store(connection, [Outcome("a", False, 1, "key")])
        assert connection.execute(select(outcomes)).one().value == "true"
        store(connection, [Outcome("a", False, 3, "key")])
        assert connection.execute(select(outcomes)).one().value == "false"


def test_a_drainer_whose_parent_is_gone_before_it_starts_ends(log):
    log.journal.append(lines(predicted("a")))
    log.journal.close()
    gone = subprocess.Popen(["true"])
    gone.wait()
    command = [sys.executable, "-m", "keepfit.serving.drain", "--parent", str(gone.pid)]
    env = os.environ | {"KEEPFIT_LOG_FOLDER": str(log.folder), "KEEPFIT_LOG_URL": str(log.drainer.engine.url)}
    assert subprocess.run(command, env=env, timeout=60, check=False).returncode == 0
    assert log.ids() == ["a"]


def test_a_dead_database_loses_nothing_and_says_so(log, monkeypatch):
    log.journal.append(lines(predicted("a")))
    good, log.drainer.engine = log.drainer.engine, open_log(f"sqlite:///{log.folder}")
    with pytest.raises(OperationalError) as failed:
        log.drainer.drain()
    log.drainer.fail(failed.value)
    status = read_status(log.folder)
    assert (status.failures, status.waiting, status.error) == (1, 1, "unable to open database file")
    log.drainer.engine = good
    log.drainer.drain()
    log.drainer.leave_status(every=0)
    assert (log.ids(), read_status(log.folder).error, read_status(log.folder).waiting) == (["a"], None, 0)


def test_the_drainer_comes_back_by_itself_once_the_database_does(log, monkeypatch):
    monkeypatch.setattr(drains, "SOONEST", 0.01)
    monkeypatch.setattr(drains, "EVERY", 0.01)
    log.journal.append(lines(predicted("a")))
    place = log.folder / "later"
    drainer = Drainer(log.folder, open_log(f"sqlite:///{place / 'log.sqlite'}"))
    place.rmdir()
    stop = threading.Event()
    thread = threading.Thread(target=follow, args=(drainer, stop))
    thread.start()
    while not drainer.status.failures:
        time.sleep(0.01)
    place.mkdir()
    until = time.monotonic() + 30
    while not drainer.status.moved and time.monotonic() < until:
        time.sleep(0.01)
    stop.set()
    thread.join()
    assert drainer.status.moved == 1


def test_what_the_database_never_takes_is_kept_aside_and_the_rest_goes_on(log):
    log.journal.append(lines(predicted("a"), predicted("b", number=2**70), predicted("c")))
    # SQLite has no number so large.
    log.drainer.drain()
    assert log.ids() == ["a", "c"]
    assert log.drainer.status.refused == 1
    assert b'"id":"b"' in (log.folder / REFUSED).read_bytes()


def test_at_the_end_it_waits_for_the_writers_to_close(log):
    log.journal.append(lines(predicted("a")))
    threading.Timer(0.3, lambda: (log.journal.append(lines(predicted("b"))), log.journal.close())).start()
    assert finish(log.drainer, seconds=10)
    assert log.ids() == ["a", "b"]


def test_at_the_end_it_does_not_wait_for_ever(log):
    log.journal.append(lines(predicted("a")))
    assert not finish(log.drainer, seconds=0)
    assert log.ids() == ["a"]


def test_one_process_moves_what_is_in_a_folder(tmp_path):
    with drain_lock(tmp_path) as first, drain_lock(tmp_path) as second:
        assert (first, second) == (True, False)
    with drain_lock(tmp_path) as free:
        assert free


def test_nothing_is_moved_while_somebody_clears_the_log(log):
    log.journal.append(lines(predicted("a")))
    with batch_lock(log.folder):
        thread = threading.Thread(target=log.drainer.drain)
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
    thread.join()
    assert log.ids() == ["a"]


def test_a_failure_is_told_without_the_statement_and_its_values():
    error = OperationalError("INSERT INTO secret", {"row": "personal"}, ValueError("no\n  answer"))
    assert first_line(error) == "no answer"


def test_records_of_many_kinds_are_lines_of_one_file():
    told = encode_lines([predicted("a"), earlier("r", 1), outcome("a", 2.5)])
    assert told.count(b"\n") == 3
