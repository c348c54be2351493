import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from keepfit.cli import app
from keepfit.serving.drain import drain_lock
from keepfit.serving.journal import Journal
from keepfit.serving.location import JOURNAL
from tests.logged import lines, outcome, predicted

LONG_AGO, LATELY = 1_000_000, 4_000_000_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "log"
    monkeypatch.setenv("KEEPFIT_LOG_FOLDER", str(folder))
    monkeypatch.chdir(tmp_path)
    journal = Journal(folder / JOURNAL, limit_bytes=1_000_000)
    journal.append(lines(predicted("a", at=LONG_AGO, row={"who": "Ada"}), predicted("b", at=LATELY)))
    journal.append(lines(outcome("a", True, at=LONG_AGO + 60)))
    journal.close()
    return folder


def run(*words: str, answer: str | None = None) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["log", *words], input=answer)
    return done.exit_code, done.output


def test_what_waits_is_moved_and_shown(folder):
    assert run("drain") == (0, "3 records moved; 0 lines were cut short, 0 were refused\n")
    status, told = run("show")
    assert status == 0
    assert re.search(r"predictions +2 ", told)
    assert re.search(r"with outcome +50.0% ", told)


def test_one_prediction_is_shown_with_its_outcome_and_why_it_has_no_features_here(folder):
    run("drain")
    found = json.loads(run("show", "a")[1])
    assert (found["score"], found["row"], found["latency_ms"]) == (0.25, {"who": "Ada"}, 0.15)
    assert (found["outcome"]["value"], found["outcome"]["delay_seconds"]) == (True, 60)
    assert found["features"] is None
    assert "another model answers now" in found["why_no_features"]


def test_a_prediction_that_is_not_there_is_an_error_of_one_line(folder):
    status, told = run("show", "z")
    assert status == 1
    assert told.startswith("LogError: z: no such prediction")
    assert told.count("\n") == 1


def test_nothing_is_removed_where_nobody_can_be_asked(folder):
    run("drain")
    status, told = run("prune", "--older-than", "90D")
    assert status == 1
    assert "older than 90D: 1 predictions, 1 outcomes, 0 rows for look-back, 0 lines of the journal" in told
    assert "--yes removes without asking" in told
    assert re.search(r"predictions +2 ", run("show")[1])


def test_what_is_old_is_pruned_and_the_summary_says_who_did_it(folder):
    run("drain")
    status, told = run("prune", "--older-than", "90D", "--yes")
    assert (status, told.startswith("removed older than 90D: 1 predictions")) == (0, True)
    told = run("show")[1]
    assert re.search(r"predictions +1 ", told)
    assert "prune" in told


def test_a_subject_is_erased_also_from_what_waits(folder):
    status, told = run("erase", "--where", "who=Ada", "--yes")
    assert status == 0
    assert told == ("removed with that who: 0 predictions, 0 outcomes, 0 rows for look-back, 2 lines of the journal\n")
    assert run("erase", "--where", "who=Ada", "--yes") == (0, "nothing with that who is in the log\n")
    assert run("drain")[1].startswith("1 records moved")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["prune", "--older-than", "90"], "--older-than '90': allowed: a length of time"),
        (["erase", "--where", "who"], "--where 'who': allowed: COLUMN=VALUE"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_is_allowed(folder, words, said):
    status, told = run(*words)
    assert status == 1
    assert said in told


def test_a_drainer_that_is_at_work_is_not_joined_by_another(folder):
    with drain_lock(folder):
        status, told = run("drain")
    assert status == 1
    assert "a drainer is at work there" in told


def test_no_log_is_said_to_be_none(tmp_path, monkeypatch):
    monkeypatch.setenv("KEEPFIT_LOG_FOLDER", str(tmp_path / "nowhere"))
    assert "no log there" in run("show")[1]
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:{}@127.0.0.1:1/none",
        "postgresql+asyncpg://ada:{}@127.0.0.1/none",
        "postgresql://ada:{}/none",
        "mysql://ada:{}@127.0.0.1/none",
        "ada:{}@127.0.0.1",
    ],
)
def test_a_database_that_does_not_answer_is_named_without_its_password(folder, monkeypatch, url):
    monkeypatch.setenv("KEEPFIT_LOG_URL", url.format("secret"))
    status, told = run("show")
    assert status == 1
    assert told.startswith("LogError: ")
    assert "secret" not in told


def test_the_url_may_be_in_a_file(folder, tmp_path, monkeypatch):
    (tmp_path / "url").write_text(f"sqlite:///{tmp_path / 'other.sqlite'}\n")
    monkeypatch.setenv("KEEPFIT_LOG_URL_FILE", str(tmp_path / "url"))
    run("drain")
    assert (tmp_path / "other.sqlite").exists()
    assert not (folder / "log.sqlite").exists()


def test_what_a_reader_kept_in_the_files_of_sqlite_goes_with_the_same_command_again(folder, monkeypatch):
    monkeypatch.setattr("keepfit.serving.tables.PATIENCE", 0.05)
    erasing = ("erase", "--where", "who=Ada", "--yes")

    def kept() -> bool:
        return b"Ada" in b"".join(path.read_bytes() for path in folder.glob("log.sqlite*"))

    run("drain")
    with closing(sqlite3.connect(folder / "log.sqlite", isolation_level=None)) as reader:
        reader.execute("begin")
        reader.execute("select * from keepfit_predictions").fetchone()
        status, told = run(*erasing)
        assert (status, told.count("\n"), kept()) == (1, 1, True)
        assert "LogError" in told
        assert "may still be in this file and its -wal" in told
        assert run(*erasing)[0] == 1
        reader.execute("commit")
        assert run(*erasing) == (0, "nothing with that who is in the log\n")
        assert not kept()
