import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Timer

import pytest
from sqlalchemy import select

from keepfit.errors import LogError
from keepfit.serving.drainer import REFUSED, Drainer
from keepfit.serving.journal import Journal, find_segments
from keepfit.serving.location import JOURNAL
from keepfit.serving.pii import hash_value
from keepfit.serving.removal import Removed, Request, checkpoint, erase, name_subject, prune
from keepfit.serving.tables import earlier as earlier_table
from keepfit.serving.tables import open_log, outcomes, predictions, removals
from tests.logged import SECOND, earlier, lines, outcome, predicted

KEY = b"0123456789abcdef"
ADA, BOB = {"who": "Ada", "age": 36}, {"who": "Bob Ada", "age": 3.0}
DO, COUNT = Request("me", do=True), Request("me", do=False)


class Log:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = open_log(f"sqlite:///{folder / 'log.sqlite'}")
        self.journal = Journal(folder / JOURNAL, limit_bytes=10_000_000)
        self.drainer = Drainer(folder, self.engine)

    def put(self, *records) -> None:
        assert self.journal.append(lines(*records))

    def ids(self, table=predictions) -> list[str]:
        with self.engine.connect() as connection:
            return sorted(connection.execute(select(table.c[0])).scalars())

    def bytes(self) -> bytes:
        files = [*find_segments(self.folder / JOURNAL), *self.folder.glob("log.sqlite*"), *self.folder.glob(REFUSED)]
        return b"".join(path.read_bytes() for path in files)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    log = Log(tmp_path)
    log.put(predicted("a", row=ADA), predicted("b", row=BOB), outcome("a", True), outcome("b", True))
    log.put(earlier("request of b", 0, row=ADA), earlier("request of b", 1, row=BOB))
    return log


def test_who_is_erased_is_gone_from_tables_files_and_pages_and_the_others_stay(log):
    log.drainer.drain()
    subject = name_subject("who", "Ada", None)
    assert erase(log.folder, log.engine, subject, DO) == Removed(predictions=1, outcomes=1, earlier=1, journal=3)
    assert (log.ids(), log.ids(outcomes), log.ids(earlier_table)) == (["b"], ["b"], ["request of b"])
    assert b'"who":"Ada"' not in log.bytes()
    assert b"Bob Ada" in log.bytes()


def test_what_is_not_in_the_database_yet_is_erased_too_and_does_not_come_back(log):
    subject = name_subject("who", "Ada", None)
    assert erase(log.folder, log.engine, subject, DO) == Removed(journal=3)
    log.put(predicted("c", row=BOB))
    assert log.drainer.drain() == 4
    assert (log.ids(), log.drainer.status.torn) == (["b", "c"], 0)


def test_an_outcome_in_the_journal_of_a_prediction_in_the_database_goes_with_it(log):
    log.drainer.drain()
    log.put(outcome("a", False, at=9))
    assert erase(log.folder, log.engine, name_subject("who", "Ada", None), DO).journal == 4
    log.drainer.drain()
    assert log.ids(outcomes) == ["b"]


def test_what_the_database_refused_is_erased_where_it_is_kept(log):
    log.put(predicted("c", row=ADA, number=2**70))
    log.drainer.drain()
    assert b"Ada" in (log.folder / REFUSED).read_bytes()
    erase(log.folder, log.engine, name_subject("who", "Ada", None), DO)
    assert b"Ada" not in (log.folder / REFUSED).read_bytes()


def read_on(folder: Path) -> sqlite3.Connection:
    """Open a transaction that sees the log as it is now."""
    reader = sqlite3.connect(folder / "log.sqlite", isolation_level=None, check_same_thread=False)
    reader.execute("begin")
    reader.execute("select * from keepfit_predictions").fetchone()
    return reader


def test_what_a_reader_keeps_in_the_files_of_sqlite_is_an_error_and_goes_with_a_later_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr("keepfit.serving.tables.PATIENCE", 0.05)
    log = Log(tmp_path)
    log.put(predicted("a", row=ADA))
    log.drainer.drain()
    with closing(read_on(log.folder)) as reader:
        with pytest.raises(
            LogError, match=r"log\.sqlite: what was removed from the tables may still be in this file and its -wal"
        ):
            erase(log.folder, log.engine, name_subject("who", "Ada", None), DO)
        assert log.ids() == []
        reader.execute("commit")
        checkpoint(log.engine)
        assert b'"who":"Ada"' not in log.bytes()


def test_a_removal_waits_for_one_who_reads(log):
    log.drainer.drain()
    with closing(read_on(log.folder)) as reader:
        Timer(0.3, reader.execute, ["commit"]).start()
        erase(log.folder, log.engine, name_subject("who", "Ada", None), DO)
        assert b'"who":"Ada"' not in log.bytes()


def test_counting_changes_nothing(log):
    log.drainer.drain()
    before = [path.read_bytes() for path in find_segments(log.folder / JOURNAL)]
    assert erase(log.folder, log.engine, name_subject("who", "Ada", None), COUNT).predictions == 1
    assert prune(log.folder, log.engine, 10 * SECOND, COUNT).predictions == 2
    assert (log.ids(), log.ids(outcomes), log.ids(removals)) == (["a", "b"], ["a", "b"], [])
    assert [path.read_bytes() for path in find_segments(log.folder / JOURNAL)] == before


def test_a_number_is_found_however_it_is_written(log):
    log.drainer.drain()
    assert erase(log.folder, log.engine, name_subject("age", "3", None), DO).predictions == 1
    assert log.ids() == ["a"]


@pytest.mark.parametrize("value", ['quo"te', "per%cent", "under_score", "Zoë", "back\\slash"])
def test_a_text_of_any_signs_is_found(log, value):
    log.put(predicted("c", row={"who": value}))
    log.drainer.drain()
    assert erase(log.folder, log.engine, name_subject("who", value, None), DO).predictions == 1


def test_a_hashed_value_is_found_by_the_value_and_its_key(log):
    log.put(predicted("c", row={"who": hash_value("Cyd", KEY)}))
    log.drainer.drain()
    assert not erase(log.folder, log.engine, name_subject("who", "Cyd", None), DO)
    assert not erase(log.folder, log.engine, name_subject("who", "Cyd", KEY[::-1]), DO)
    assert erase(log.folder, log.engine, name_subject("who", "Cyd", KEY), DO).predictions == 1


def test_a_removal_is_recorded_with_who_did_it_and_without_the_value(log):
    erase(log.folder, log.engine, name_subject("who", "Ada", None), DO)
    with log.engine.connect() as connection:
        row = connection.execute(select(removals)).one()
    assert (row.action, row.who, row.what, row.journal) == ("erase", "me", "who", 3)
    assert b"Ada" not in log.bytes().replace(b"Bob Ada", b"")


def test_what_is_older_goes_with_its_outcomes_and_what_is_younger_stays(log):
    log.put(predicted("c", at=50), outcome("c", True, at=1), outcome("d", True, at=1), earlier("r", 0, at=50))
    log.drainer.drain()
    assert prune(log.folder, log.engine, 20 * SECOND, DO) == Removed(predictions=2, outcomes=3, earlier=2, journal=4)
    assert (log.ids(), log.ids(outcomes), log.ids(earlier_table)) == (["c"], ["c"], ["r"])


def test_old_lines_that_wait_are_pruned_too(log):
    log.put(predicted("c", at=50))
    prune(log.folder, log.engine, 20 * SECOND, DO)
    log.drainer.drain()
    assert log.ids() == ["c"]
