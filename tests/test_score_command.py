"""`keepfit score`: files of any size get the scores of the pipeline, and a kill costs nothing."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from keepfit.bundle import Bundle, read_bundle
from keepfit.cli import app
from keepfit.compiled import scorer as scorers
from keepfit.compiled.parity import as_values
from keepfit.compiled.scorer import load_scorer
from keepfit.errors import ScoringError
from keepfit.files import replacing
from keepfit.score import score_rows
from keepfit.scoring import run as scoring
from keepfit.scoring.chunks import Chunk
from keepfit.scoring.job import Job
from keepfit.scoring.rules import judge
from keepfit.scoring.tables import set_aside
from keepfit.validate import validate
from tests.champions import draw_rows, packed, settings_of

FLIGHTS = ("flights", "hist_gradient_boosting", None)
SP500 = ("sp500", "hist_gradient_boosting", None)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(scoring, "ROWS", 200)
    monkeypatch.setattr(scoring.make_order, "__defaults__", (200,))


def ask(*arguments: object, champion: Bundle) -> str:
    result = CliRunner().invoke(app, ["score", *map(str, arguments), "--champion", str(champion.folder)])
    assert result.exit_code == 0, result.output
    return result.output


def refuse(*arguments: object, champion: Bundle) -> str:
    result = CliRunner().invoke(app, ["score", *map(str, arguments), "--champion", str(champion.folder)])
    assert result.exit_code == 1, result.output
    return " ".join(result.output.split())


def read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    # A version such as 52045171e013 is no number.
    return pd.read_csv(path, float_precision="round_trip", dtype={"version": str, "digest": str})


def write(rows: pd.DataFrame, path: Path) -> Path:
    rows.to_parquet(path, index=False) if path.suffix == ".parquet" else rows.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("case", [FLIGHTS, SP500, ("flights", "random_forest", "multiclass")], ids=str)
@pytest.mark.parametrize("kinds", [(".csv", ".parquet"), (".parquet", ".csv")], ids=str)
def test_a_file_has_the_scores_of_the_pipeline_and_of_single_rows_bit_for_bit(case, kinds, tmp_path: Path):
    bundle, servable, rows = packed(*case)
    source = write(rows, tmp_path / f"rows{kinds[0]}")
    out = tmp_path / f"scores{kinds[1]}"
    ask(source, out, champion=bundle)
    found, expected = read(out), score_rows(bundle, rows)
    assert list(found.row) == list(expected.index)
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])
    assert set(found.version) == {bundle.passport.version}
    assert set(found.digest) == {bundle.digest}
    assert set(found.source) == {str(source)}
    if not bundle.passport.request.look_back:
        scorer = load_scorer(bundle, servable)
        singles = [scorer.score_row(values) for values in as_values(rows[list(bundle.passport.request.columns)])]
        np.testing.assert_array_equal(found.score, np.array(singles).reshape(len(rows), -1).max(axis=1))


def test_a_look_back_reaches_over_chunks_and_files(tmp_path: Path):
    bundle, _, rows = packed(*SP500)
    write(rows[:150], tmp_path / "a.csv")
    write(rows[150:], tmp_path / "b.parquet")
    told = ask(f"{tmp_path}/[ab].*", tmp_path / "out.csv", champion=bundle)
    found, expected = read(tmp_path / "out.csv"), score_rows(bundle, rows)
    np.testing.assert_array_equal(found.score, expected.score)
    assert list(found.row) == [*range(63, 150), *range(len(rows) - 150)]
    assert "63 rows were history only" in told


BAD = {"hour": 25, "distance": np.nan, "temp": 500.0, "origin": None}


def test_bad_rows_are_set_aside_with_the_reasons_of_the_pipeline(tmp_path: Path):
    bundle, _, rows = packed(*FLIGHTS)
    bad = rows.astype({"origin": object, "scheduled": object})
    for place, (name, value) in enumerate(BAD.items()):
        bad.loc[100 * place + 7, name] = value
    bad.loc[7, "minute"] = 99
    bad.loc[600, "scheduled"] = "soon"
    told = ask(write(bad, tmp_path / "rows.csv"), tmp_path / "out.csv", champion=bundle)
    aside = read(tmp_path / "out.quarantine.csv")
    assert "5 rows set aside" in told
    assert list(aside.row) == [7, 107, 207, 307, 600]
    assert aside.reasons[0] == "hour: above 23; minute: above 59"
    assert list(aside.reasons[1:]) == [
        "distance: missing",
        "temp: above 120",
        "origin: missing",
        "scheduled: not a value of type datetime",
    ]
    assert aside.hour[0] == 25
    kept = read(tmp_path / "out.csv")
    good = score_rows(bundle, rows).drop(index=list(aside.row))
    np.testing.assert_array_equal(kept.score, good.score)


def test_the_rules_are_those_of_the_validate_stage():
    bundle, _, _ = packed(*FLIGHTS)
    request = bundle.passport.request
    rows = draw_rows(settings_of("flights", "naive")).astype(object)
    generator = np.random.default_rng(5)
    spoil = [None, "x", 1e9, -1e9, 3.5, np.inf, "7"]
    for name in rows.columns.difference(["carrier", "dest", "origin", "scheduled"]):
        for place, value in zip(generator.integers(len(rows), size=len(spoil)), spoil, strict=True):
            rows.loc[place, name] = value
    rows.loc[[11, 12], "scheduled"] = ["soon", None]
    dataset = settings_of("flights", "naive").dataset
    # A category that is new is scored, and no row is a repeated one to itself.
    columns = {name: column.model_copy(update={"allowed": None}) for name, column in request.columns.items()}
    expected = validate(rows, dataset.model_copy(update={"columns": columns, "keys": ()})).quarantine
    found = judge(rows, request).reasons
    assert len(found) > 30
    assert sorted("; ".join(sorted(each.split("; "))) for each in found) == sorted(expected.reasons)


def test_a_feature_that_is_infinite_costs_its_own_row_alone(tmp_path: Path, monkeypatch):
    bundle, _, rows = packed(*FLIGHTS)
    import features.flights as module

    def gust(wind_gust, wind_speed):
        return np.log(wind_speed.where(wind_speed.index != 3, 0.0))

    monkeypatch.setattr(module.gust, "feature", module.gust.feature.__class__(gust, ("wind_gust", "wind_speed")))
    calm = rows.assign(wind_speed=rows.wind_speed.fillna(3).clip(lower=1))
    ask(write(calm[:50], tmp_path / "rows.csv"), tmp_path / "out.csv", champion=bundle)
    assert list(read(tmp_path / "out.quarantine.csv").row) == [3]
    assert len(read(tmp_path / "out.csv")) == 49


def test_an_earlier_quarantine_does_not_stay_where_nothing_is_set_aside(tmp_path: Path):
    bundle, _, rows = packed(*FLIGHTS)
    (tmp_path / "out.quarantine.csv").write_text("old")
    ask(write(rows, tmp_path / "rows.csv"), tmp_path / "out.csv", champion=bundle)
    assert not (tmp_path / "out.quarantine.csv").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "rows.csv"]


@pytest.mark.parametrize("name", ["row", "score", "score:yes"])
def test_a_column_that_the_output_has_by_itself_is_not_kept_in_its_place(name: str, tmp_path: Path):
    bundle, _, rows = packed(*FLIGHTS)
    source = write(rows.assign(**{name: "theirs"}), tmp_path / "in.csv")
    said = refuse("--keep", name, source, tmp_path / "out.csv", champion=bundle)
    assert f"--keep {name}: the output has" in said


def test_rows_that_are_set_aside_keep_their_own_columns_beside_their_place():
    rows = pd.DataFrame({"row": ["theirs"], "x": [1.5]}, index=[7])
    table = set_aside(Chunk(Path("in.csv"), 100, rows), pd.Series("x: above 1", index=[7])).to_pylist()
    assert table == [{"source": "in.csv", "keepfit_row": 107, "reasons": "x: above 1", "row": "theirs", "x": "1.5"}]


def test_columns_of_the_input_can_be_kept(tmp_path: Path):
    bundle, _, rows = packed(*FLIGHTS)
    named = rows.assign(note=[f"n{place}" for place in range(len(rows))])
    ask("--keep", "note", "--keep", "carrier", write(named, tmp_path / "r.csv"), tmp_path / "o.csv", champion=bundle)
    found = read(tmp_path / "o.csv")
    assert list(found.note) == list(named.note)
    assert list(found.carrier) == list(named.carrier)


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


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("nowhere.csv", "out.csv"), "nowhere.csv: no such file"),
        (("none*.csv", "out.csv"), "none*.csv: no such file"),
        (("rows.csv", "out.txt"), "format '.txt'; allowed: .csv, .parquet"),
        (("rows.csv", "rows.csv"), "is one of the inputs"),
        (("rows.csv",), "two names are needed"),
    ],
)
def test_a_wrong_name_is_one_line(names, told, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bundle, _, rows = packed(*FLIGHTS)
    write(rows[:3], tmp_path / "rows.csv")
    assert told in refuse(*names, champion=bundle)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A packaged champion of its own."""
    bundle, _, _ = packed(*FLIGHTS)
    return Path(shutil.copytree(bundle.folder, tmp_path / "champion"))


def test_a_champion_that_is_replaced_while_it_is_read_scores_under_its_own_name_alone(folder, tmp_path, monkeypatch):
    bundle, _, rows = packed(*FLIGHTS)
    other, _, _ = packed("flights", "random_forest", "multiclass")
    real = scorers.read_plan

    def read_plan(place: Path):
        with replacing(folder) as partial:
            shutil.copytree(other.folder, partial)
        return real(place)

    monkeypatch.setattr(scorers, "read_plan", read_plan)
    ask(write(rows, tmp_path / "rows.csv"), tmp_path / "out.csv", champion=replace(bundle, folder=folder))
    found = read(tmp_path / "out.csv")
    assert set(found.digest) == {bundle.digest}
    np.testing.assert_array_equal(found.score, score_rows(bundle, rows).score)
    assert read_bundle(folder).digest == other.digest


def test_a_champion_that_is_replaced_while_it_is_copied_is_refused(folder, tmp_path, monkeypatch):
    bundle, _, rows = packed(*FLIGHTS)
    whole = shutil.copytree

    def copytree(*places):
        whole(*places)
        with replacing(folder) as partial:
            whole(bundle.folder, partial)

    monkeypatch.setattr(shutil, "copytree", copytree)
    source = write(rows, tmp_path / "rows.csv")
    told = refuse(source, tmp_path / "out.csv", champion=replace(bundle, folder=folder))
    assert "champion: changed while it was copied; try again" in told


def test_a_champion_that_is_broken_or_is_none_is_named_by_its_own_folder(folder, tmp_path):
    bundle, _, rows = packed(*FLIGHTS)
    source = write(rows, tmp_path / "rows.csv")
    (folder / "schema.json").write_text("{}")
    told = refuse(source, tmp_path / "out.csv", champion=replace(bundle, folder=folder))
    assert f"{folder}/schema.json: changed" in told
    told = refuse(source, tmp_path / "out.csv", champion=replace(bundle, folder=tmp_path))
    assert f"{tmp_path}/serving.json: not there" in told


@pytest.mark.parametrize("name", ["out.quarantine.csv", "out.csv.parts/rows.csv"])
def test_what_the_job_itself_writes_is_no_input(name, tmp_path: Path):
    bundle, _, rows = packed(*FLIGHTS)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    source = write(rows[:3], tmp_path / name)
    assert f"{name}: is what is written for" in refuse(source, tmp_path / "out.csv", champion=bundle)
    assert len(read(source)) == 3


def test_a_file_whose_name_could_be_a_pattern_is_read_where_it_is_there(tmp_path: Path):
    bundle, _, rows = packed(*FLIGHTS)
    write(rows[:3], tmp_path / "rows1.csv")
    source = write(rows[:5], tmp_path / "rows[1].csv")
    assert "5 rows scored" in ask(source, tmp_path / "out.csv", champion=bundle)
    source.unlink()
    assert "3 rows scored" in ask(source, tmp_path / "out.csv", champion=bundle)


@pytest.mark.parametrize("kind", [".csv", ".parquet"])
def test_a_missing_column_is_named(kind, tmp_path: Path):
    bundle, _, rows = packed(*FLIGHTS)
    source = write(rows.drop(columns=["temp"]), tmp_path / f"rows{kind}")
    assert "temp" in refuse(source, tmp_path / "out.csv", champion=bundle)


@pytest.mark.parametrize("kind", [".csv", ".parquet"])
def test_a_file_without_a_row_gives_no_file(kind, tmp_path: Path):
    bundle, _, rows = packed(*FLIGHTS)
    told = ask(write(rows[:0], tmp_path / f"rows{kind}"), tmp_path / "out.csv", champion=bundle)
    assert "0 rows scored" in told


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


def test_reading_many_row_groups_holds_no_more_than_one(tmp_path: Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from keepfit.scoring.chunks import read_chunks

    bundle, _, rows = packed(*FLIGHTS)
    many = pa.Table.from_pandas(pd.concat([rows] * 200, ignore_index=True), preserve_index=False)
    pq.write_table(many, tmp_path / "rows.parquet", row_group_size=5000)
    held = [
        pa.total_allocated_bytes()
        for _ in read_chunks(tmp_path / "rows.parquet", bundle.passport.request, (), size=5000, skip=0)
    ]
    assert len(held) == 28
    assert max(held[-5:]) - max(held[:5]) < 1_000_000
