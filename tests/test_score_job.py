"""A job of `keepfit score`: a kill, a second run and parts that are gone cost no row and mix none."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from keepfit.errors import ScoringError
from keepfit.scoring.job import Job
from tests.champions import packed
from tests.scored import FLIGHTS, SP500, ask, read, refuse, write

pytestmark = pytest.mark.usefixtures("small_chunks")


@pytest.mark.parametrize(("case", "gone"), [(FLIGHTS, ()), (FLIGHTS, (0, 3)), (SP500, (1,)), (SP500, (0, 2))], ids=str)
def test_a_run_goes_on_where_an_earlier_one_was_stopped(case, gone, tmp_path: Path, monkeypatch):
    bundle, _, rows = packed(*case)
    source, out = write(rows, tmp_path / "rows.csv"), tmp_path / "out.csv"
    ask(source, tmp_path / "whole.csv", champion=bundle)
    # All parts are there but those that are `gone`, and the end was never reached.
    with monkeypatch.context() as stopped:
        stopped.setattr("keepfit.scoring.job.Job.finish", lambda _: None)
        ask(source, out, champion=bundle)
    assert not out.exists()
    for place in gone:
        next((tmp_path / "out.csv.parts").glob(f"*{place:07}.mark.json")).unlink()
    told = ask(source, out, champion=bundle)
    assert f"going on after {len(rows) - sum(min(200, len(rows) - 200 * place) for place in gone)} rows" in told
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.parametrize("odd", ["\n\n", "\n \t\n", "\r\n\r\n", "\r\r", "quoted"])
def test_lines_that_are_no_rows_are_not_counted_as_rows_that_are_done(odd, tmp_path: Path, monkeypatch):
    bundle, _, rows = packed(*FLIGHTS)
    source, out = write(rows.assign(note='a\n\nb, "c"'), tmp_path / "rows.csv"), tmp_path / "out.csv"
    if odd != "quoted":
        lines = write(rows.assign(note="a"), source).read_bytes().splitlines()
        source.write_bytes(odd.encode() + b"\n".join([*lines[:50], odd.encode(), *lines[50:]]))
    ask("--keep", "note", source, tmp_path / "whole.csv", champion=bundle)
    with monkeypatch.context() as stopped:
        stopped.setattr("keepfit.scoring.job.Job.finish", lambda _: None)
        ask("--keep", "note", source, out, champion=bundle)
    for place in (1, 2, 3):
        next((tmp_path / "out.csv.parts").glob(f"*{place:07}.mark.json")).unlink()
    assert "going on after 200 rows" in ask("--keep", "note", source, out, champion=bundle)
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_parts_of_another_job_are_refused(tmp_path: Path, monkeypatch):
    bundle, _, rows = packed(*FLIGHTS)
    source, out = write(rows, tmp_path / "rows.csv"), tmp_path / "out.csv"
    with monkeypatch.context() as stopped:
        stopped.setattr("keepfit.scoring.job.Job.finish", lambda _: None)
        ask(source, out, champion=bundle)
    write(rows[:-1], source)
    assert "parts of another job" in refuse(source, out, champion=bundle)


class Killed(BaseException):
    """The end, at once."""


@pytest.mark.parametrize("first", ["order.json", "00000-0000001.scores.arrow", "00000-0000001.mark.json"])
def test_a_run_that_was_killed_while_it_cleared_up_costs_the_next_one_nothing(first, tmp_path: Path, monkeypatch):
    bundle, _, rows = packed(*FLIGHTS)
    source, out = write(rows, tmp_path / "rows.csv"), tmp_path / "out.csv"

    def clear_up(folder: Path) -> None:
        if folder.is_dir():
            (folder / first).unlink()
            raise Killed

    with monkeypatch.context() as killed:
        killed.setattr("keepfit.scoring.job.remove", clear_up)
        with pytest.raises(Killed):
            ask(source, out, champion=bundle)
    whole = out.read_bytes()
    assert "going on" not in ask(source, out, champion=bundle)
    assert out.read_bytes() == whole
    other = write(rows[::-1], tmp_path / "other.csv")
    ask(other, out, champion=bundle)
    assert set(read(out).source) == {str(other)}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.csv", "out.csv", "rows.csv"]


def test_a_second_run_of_a_job_that_is_at_work_is_refused_and_changes_nothing(tmp_path: Path):
    bundle, _, rows = packed(*FLIGHTS)
    source, out = write(rows, tmp_path / "rows.csv"), tmp_path / "out.csv"
    with Job(out).locked():
        assert "out.csv: another `keepfit score` is writing it" in refuse(source, out, champion=bundle)
        assert not (tmp_path / "out.csv.parts").exists()
    (tmp_path / ".out.csv.lock").write_text("")  # of a run that was killed
    assert "700 rows scored" in ask(source, out, champion=bundle)


def test_parts_that_are_gone_are_named_and_the_output_stays(tmp_path: Path, monkeypatch):
    bundle, _, rows = packed(*FLIGHTS)
    source, out = write(rows, tmp_path / "rows.csv"), tmp_path / "out.csv"
    out.write_text("before")
    with monkeypatch.context() as stopped:
        stopped.setattr("keepfit.scoring.job.Job.finish", lambda _: None)
        ask(source, out, champion=bundle)
    parts = tmp_path / "out.csv.parts"
    (parts / "00000-0000001.scores.arrow").unlink()
    assert "00000-0000001.scores.arrow: gone; remove" in refuse(source, out, champion=bundle)
    (parts / "order.json").unlink()
    assert "not the parts of a job that can go on; remove it" in refuse(source, out, champion=bundle)
    shutil.rmtree(parts)
    with pytest.raises(ScoringError, match=r"out\.csv\.parts: removed while it was at work"):
        Job(out).finish()
    assert out.read_text() == "before"


@pytest.mark.parametrize("name", ["out.quarantine.csv", "out.csv.parts/rows.csv"])
def test_what_the_job_itself_writes_is_no_input(name, tmp_path: Path):
    bundle, _, rows = packed(*FLIGHTS)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    source = write(rows[:3], tmp_path / name)
    assert f"{name}: is what is written for" in refuse(source, tmp_path / "out.csv", champion=bundle)
    assert len(read(source)) == 3


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(tmp_path: Path):
    bundle, _, rows = packed(*FLIGHTS)
    many = pd.concat([rows] * 1200, ignore_index=True)
    source = write(many, tmp_path / "rows.parquet")
    command = [sys.executable, "-m", "keepfit", "score", str(source)]
    tail = ["--champion", str(bundle.folder)]
    subprocess.run([*command, str(tmp_path / "whole.parquet"), *tail], check=True)
    killed = subprocess.Popen([*command, str(tmp_path / "out.parquet"), *tail])
    parts = tmp_path / "out.parquet.parts"
    while len(list(parts.glob("*.mark.json"))) < 3:
        assert killed.poll() is None
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "out.parquet").exists()
    again = subprocess.run([*command, str(tmp_path / "out.parquet"), *tail], check=True, capture_output=True, text=True)
    assert "going on after" in again.stdout
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "out.parquet"), pd.read_parquet(tmp_path / "whole.parquet"), check_exact=True
    )
