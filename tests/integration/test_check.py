"""`keepfit check`, `drill` and `replay` from a clean clone, on real data, with the default backend."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.integration.conftest import Clone

pytestmark = pytest.mark.slow


@pytest.fixture
def clone(reproduced: Clone, tmp_path: Path) -> Clone:
    """A copy of the reproduced clone that a test may change."""
    return Clone(Path(shutil.copytree(reproduced.path, tmp_path / "keepfit", symlinks=True)))


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def report(clone: Clone) -> dict:
    return json.loads(clone.read("reports/sp500/drift.json"))


def test_after_a_training_there_is_too_little_data(clone: Clone):
    assert "no whole window of 63" in clone.run("python", "-m", "keepfit", "check", status=5)
    assert report(clone)["verdict"] == "insufficient-data"


def test_a_year_of_newer_rows_is_judged_and_runs_the_one_stage_alone(clone: Clone):
    replace(clone.path / "conf/dataset/sp500.yaml", "until: 2017-12-29", "until: 2018-12-31")
    champion = clone.read("models/sp500/champion/passport.json")
    clone.run("make", "params")
    printed = clone.run("python", "-m", "keepfit", "check", status=None)
    said = report(clone)
    assert said["status"] in (0, 3)
    assert said["batch"]["rows"] == 252
    assert set(said["versions"]) >= {"alibi-detect", "scipy"}
    assert all(each["test"]["p_value"] is not None for each in said["checks"])
    assert "Running stage 'train'" not in printed
    assert said["why"][:40] in " ".join(printed.split())
    assert clone.read("models/sp500/champion/passport.json") == champion
    plots = json.loads(clone.run("dvc", "plots", "show", "--json"))
    assert {"Drift over time", "Drifted features"} <= set(plots.get("data", plots))


def test_the_action_is_the_exit_status(clone: Clone):
    replace(clone.path / "conf/dataset/sp500.yaml", "until: 2017-12-29", "until: 2018-12-31")
    replace(clone.path / "conf/config.yaml", "drift: calibrated", "drift: always")
    replace(clone.path / "conf/drift/calibrated.yaml", "backend: alibi-detect", "backend: scipy")
    clone.run("make", "params")
    clone.run("python", "-m", "keepfit", "check", status=3)
    assert report(clone)["action"] == "retrain"
    # make has one status for every failure.
    assert "Error 3" in clone.run("make", "check", status=2)


def test_a_source_that_lost_a_column_is_data_to_be_fixed(clone: Clone):
    dataset = clone.path / "conf/dataset/sp500.yaml"
    replace(dataset, "  Volume: {type: int, min: 1}", "  Volume: {type: int, min: 1}\n  Dividend: {type: float}")
    clone.run("make", "params")
    printed = clone.run("python", "-m", "keepfit", "check", status=4)
    assert "missing column Dividend" in printed
    assert report(clone)["action"] == "fix-data"


def test_a_file_of_rows_is_checked_and_rows_of_the_training_are_refused(clone: Clone, tmp_path: Path):
    rows = pd.read_parquet(clone.path / "data/sp500/valid.parquet")
    rows.tail(100).to_csv(tmp_path / "old.csv", index=False)
    printed = clone.run("python", "-m", "keepfit", "check", "--from", str(tmp_path / "old.csv"), status=1)
    assert printed.splitlines()[-1].startswith("BatchError: 99 of 100 rows are not newer than 2017-12-28")
    rows.head(0).to_csv(tmp_path / "none.csv", index=False)
    clone.run("python", "-m", "keepfit", "check", "--from", str(tmp_path / "none.csv"), status=5)


def test_every_drill_says_what_it_should(clone: Clone):
    printed = clone.run("python", "-m", "keepfit", "drill")
    assert printed.count("as expected") == 8
    assert printed.count("not possible") == 1


def test_a_replay_goes_on_where_it_stopped_and_compares_the_policies(clone: Clone):
    command = ("python", "-m", "keepfit", "replay", "--from", "2016-01-01", "--step", "250")
    clone.run(*command, "--policy", "never", "--policy", "always")
    said = json.loads(clone.read("reports/sp500/replay.json"))
    rows = {each["policy"]: each for each in said["policies"]}
    assert (rows["never"]["retrainings"], rows["always"]["retrainings"]) == (0, said["steps"] - 1)
    assert (rows["never"]["gain_kept"], rows["always"]["gain_kept"]) == (0, 1)
    assert (clone.path / "reports/sp500/replay.png").stat().st_size > 10_000
    trained = sorted((clone.path / "models/sp500/.replay").rglob("done.json"))
    times = [file.stat().st_mtime_ns for file in trained]
    clone.run(*command, "--policy", "never", "--policy", "always")
    assert [file.stat().st_mtime_ns for file in trained] == times
