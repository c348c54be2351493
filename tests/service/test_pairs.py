import json
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, insert
from typer.testing import CliRunner

from keepfit.cli import app
from keepfit.errors import LogError
from keepfit.serving.canary import MARKER, Fallback, read_fallback
from keepfit.serving.pairs import read_pairs
from keepfit.serving.tables import open_log, outcomes, predictions, prepare
from tests.toys import TASKS, toy_settings, toy_values

CHAMPION, CHALLENGER, FORMER = "a" * 64, "b" * 64, "c" * 64
SECOND = 1_000_000_000
START = 1_600_000_000 * SECOND


class Diary:
    """A log in SQLite, written as the drainer writes it."""

    def __init__(self, folder: Path) -> None:
        self.engine: Engine = open_log(f"sqlite:///{folder / 'log.sqlite'}")
        prepare(self.engine)

    def predict(self, request: int, role: str, score: float, *, digest: str, number: int = 0, **more) -> str:
        values = {
            "id": f"{request}-{number}-{digest[0]}-{role}",
            "time_ns": START + request * 60 * SECOND,
            "request": str(request),
            "number": number,
            "key": "k",
            "role": role,
            "score": score,
            "label": json.dumps(score >= 0.5),
            "version": digest[:12],
            "digest": digest,
            "latency_us": 50,
            "row": "{}",
        }
        with self.engine.begin() as connection:
            connection.execute(insert(predictions).values(values | more))
        return values["id"]

    def tell(self, name: str, value: object) -> None:
        row = {"id": name, "time_ns": START, "key": "k", "value": json.dumps(value)}
        with self.engine.begin() as connection:
            connection.execute(insert(outcomes).values(row))

    def both(self, request: int, ours: float, theirs: float, *, role: str = "challenger", **more) -> tuple[str, str]:
        return (
            self.predict(request, "champion", ours, digest=CHAMPION, **more),
            self.predict(request, role, theirs, digest=CHALLENGER, **more),
        )


@pytest.fixture
def diary(tmp_path: Path) -> Diary:
    return Diary(tmp_path)


def test_rows_that_both_scored_are_paired_by_request_and_row(diary: Diary):
    diary.both(1, 0.2, 0.3)
    diary.both(2, 0.4, 0.6, number=0)
    diary.both(2, 0.5, 0.7, number=1)
    diary.both(3, 0.1, 0.9, role="canary")
    diary.predict(4, "champion", 0.8, digest=CHAMPION)
    found = read_pairs(diary.engine, toy_settings().dataset)
    assert found.champion.scores.tolist() == [0.2, 0.4, 0.5, 0.1]
    assert found.challenger.scores.tolist() == [0.3, 0.6, 0.7, 0.9]
    assert found.champion.decisions.tolist() == [False, False, True, False]
    assert found.times.iloc[-1] - found.times.iloc[0] == np.timedelta64(120, "s")
    assert (found.champion.version, found.challenger.version) == (CHAMPION[:12], CHALLENGER[:12])
    assert np.isnan(found.labels).all()


def test_an_outcome_counts_for_both_whichever_id_it_was_told_for(diary: Diary):
    one, _ = diary.both(1, 0.2, 0.3)
    _, other = diary.both(2, 0.2, 0.3, role="canary")
    diary.both(3, 0.2, 0.3)
    diary.tell(one, True)
    diary.tell(other, False)
    assert read_pairs(diary.engine, toy_settings().dataset).labels[:2].tolist() == [1.0, 0.0]


def test_the_newest_two_are_compared_or_the_one_that_is_named(diary: Diary):
    diary.predict(1, "champion", 0.2, digest=CHAMPION)
    diary.predict(1, "challenger", 0.9, digest=FORMER)
    diary.both(2, 0.2, 0.3)
    dataset = toy_settings().dataset
    assert read_pairs(diary.engine, dataset).challenger.scores.tolist() == [0.3]
    assert read_pairs(diary.engine, dataset, challenger="ccc").challenger.scores.tolist() == [0.9]
    assert len(read_pairs(diary.engine, dataset, since_ns=START + 61 * SECOND).times) == 1


def test_no_pair_is_told(diary: Diary):
    diary.predict(1, "champion", 0.2, digest=CHAMPION)
    with pytest.raises(LogError, match="the champion and a challenger both scored"):
        read_pairs(diary.engine, toy_settings().dataset)


def test_of_several_classes_every_score_is_read(diary: Diary):
    more = {"scores": "[0.2,0.3,0.5]", "label": '"high"'}
    one, _ = diary.both(1, 0.5, 0.5, **more)
    diary.tell(one, "middle")
    found = read_pairs(diary.engine, toy_settings(**TASKS["multiclass"]).dataset)
    assert found.champion.scores.tolist() == [[0.2, 0.3, 0.5]]
    assert found.challenger.decisions.tolist() == ["high"]
    assert found.labels.tolist() == [1.0]


def test_a_regression_has_no_decision(diary: Diary):
    one, _ = diary.both(1, 7.5, 8.5, label=None)
    diary.tell(one, 9)
    found = read_pairs(diary.engine, toy_settings(**TASKS["regression"]).dataset)
    assert (found.labels.tolist(), found.champion.decisions.tolist()) == ([9.0], [None])


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "params.yaml").write_text(json.dumps(toy_values()))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEEPFIT_LOG_FOLDER", str(tmp_path))
    monkeypatch.delenv("KEEPFIT_LOG_URL", raising=False)
    return tmp_path


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["shadow", *arguments])
    return done.exit_code, done.output


def test_the_report_says_who_loses_less(diary: Diary, project: Path):
    rng = np.random.default_rng(0)
    for request in range(100):
        truth = bool(rng.integers(2))
        one, _ = diary.both(request, 0.5, 0.5 + (0.3 + 0.1 * rng.random()) * (1 if truth else -1))
        diary.tell(one, truth)
    status, told = run("report")
    assert status == 0
    assert "the challenger loses less" in told
    assert "True to False" in told
    found = json.loads(run("report", "--json")[1])
    assert (found["rows"], found["loss"]["rows"]) == (100, 100)
    assert found["loss"]["high"] < 0


def test_without_a_log_and_with_a_wrong_length_of_time_one_line_says_so(project: Path):
    status, told = run("report")
    assert (status, told.count("\n")) == (1, 1)
    assert told.startswith("LogError: no row is in the log")
    assert "7D or 12h" in run("report", "--since", "soon")[1]


def test_a_canary_is_resumed_and_the_operator_told_why_it_fell_back(project: Path):
    status, told = run("resume")
    assert (status, "no fall-back is told of" in told) == (1, True)
    fallback = Fallback(digest=CHALLENGER, reason="errors", why="5 of 5 failed", at="2026-01-01T00:00:00Z")
    (project / MARKER).write_text(fallback.model_dump_json())
    status, told = run("resume")
    assert status == 0
    assert "5 of 5 failed" in told
    assert read_fallback(project / MARKER) is None
