import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from keepfit.cli import app
from keepfit.files import write_table
from stages.validate import main as validate_stage
from tests.toys import toy_settings, toy_values

ROOT = Path(__file__).parents[1]
RAW = pd.DataFrame(
    {
        "time": ["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04"],
        "x": [1.0, 2.0, 3.0, 4.0],
        "c": [7.0, 8.0, None, 9.0],
        "y": ["0", "[/b]", "1", "many"],
    }
)


class Result:
    def __init__(self, arguments: tuple) -> None:
        found = CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "200"})
        assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
        self.status, self.out, self.error = found.exit_code, found.stdout, found.stderr


def keepfit(*arguments) -> Result:
    return Result(arguments)


def refused(*arguments) -> str:
    found = keepfit(*arguments)
    assert (found.status, found.out) == (1, "")
    assert found.error.count("\n") == 1
    assert "Traceback" not in found.error
    return found.error


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(toy_values()))
    return tmp_path


def run_validate(columns: dict | None = None) -> dict:
    settings = toy_settings(**{"validate.quota": 1.0})
    paths = ["data/toy/raw.parquet", "data/repairs", "data/toy/valid.parquet", "data/toy/quarantine.parquet", "r.json"]
    write_table(Path(paths[0]), RAW.assign(**(columns or {})))
    validate_stage(settings, *map(Path, paths))
    return json.loads(Path("r.json").read_text())


@pytest.fixture
def quarantined() -> None:
    assert run_validate({"c": ["7", "8", "9", "9"]})["quarantined"] == 2


def test_the_rows_aside_are_listed_with_their_reasons_and_brackets_as_they_are(quarantined):
    found = keepfit("quarantine")
    assert found.status == 0
    assert "y: not a value of type int" in found.out
    assert "[/b]" in found.out
    assert "many" in found.out
    assert "2 of 2 rows" in found.out


def test_no_more_rows_are_listed_than_asked_for(quarantined):
    found = keepfit("quarantine", "--rows", "1")
    assert "many" not in found.out
    assert "1 of 2 rows" in found.out


def test_an_empty_quarantine_says_so():
    run_validate({"c": "7", "y": 1})
    assert keepfit("quarantine").out == "no row is set aside\n"


def test_rows_that_are_exported_mended_and_replayed_are_taken_in_by_the_next_run(project):
    assert run_validate() == {
        "rows": 4,
        "valid": 1,
        "quarantined": 3,
        "share_quarantined": 0.75,
        "reasons": {"c: missing": 1, "y: not a value of type int": 2},
        "undeclared_columns": [],
    }
    assert "3 rows in mine.csv" in keepfit("quarantine", "--export", "mine.csv").out
    rows = pd.read_csv("mine.csv", dtype=str)
    # A category of whole numbers is exported as it is read, whatever type its missing neighbour made of it.
    assert rows.c.fillna("").tolist() == ["8", "", "9"]
    rows.assign(y=["1", "1", "lots"], c=["8", "9", "9"]).to_csv("mine.csv", index=False)
    found = keepfit("quarantine", "replay", "mine.csv")
    assert "lots" in found.out
    assert "2 of 3 changed rows pass the rules now" in found.out
    assert len(pd.read_csv("data/repairs/toy.csv")) == 2
    assert run_validate()["quarantined"] == 1
    valid = pd.read_parquet("data/toy/valid.parquet")
    assert valid.c.tolist() == ["7", "8", "9"]
    assert valid.y.tolist() == [0, 1, 1]


def test_a_replay_without_a_file_says_what_passes_and_writes_nothing(project, quarantined):
    columns = {**toy_values()["dataset"]["columns"], "y": {"type": "category"}}
    (project / "params.yaml").write_text(yaml.safe_dump(toy_values(**{"dataset.columns": columns})))
    assert "2 of 2 rows pass" in keepfit("quarantine", "replay").out
    assert not (project / "data/repairs").exists()


def test_a_replay_of_a_file_that_is_not_there_or_no_csv_is_refused_in_one_line(quarantined):
    assert "gone.csv: no such file" in refused("quarantine", "replay", "gone.csv")
    Path("empty.csv").touch()
    assert "empty.csv: not a CSV" in refused("quarantine", "replay", "empty.csv")
    Path("other.csv").write_text("a,b\n1,2\n")
    assert "missing columns row_hash, " in refused("quarantine", "replay", "other.csv")


def test_a_command_before_the_first_run_is_refused_in_one_line_that_says_what_to_do():
    assert refused("summary") == "KeepfitError: reports/toy/ingest.json: not there yet; `make repro` writes it\n"
    assert "data/toy/quarantine.parquet: not there yet; `make repro` writes it" in refused("quarantine")


@pytest.mark.parametrize("command", [["summary"], ["quarantine"], ["quarantine", "replay"]])
def test_bad_settings_are_refused_in_one_line_that_names_the_key(project, command):
    (project / "params.yaml").write_text(yaml.safe_dump(toy_values(**{"train.folds": 0})))
    assert refused(*command).startswith("SettingsError: params.yaml: train.folds: 0: ")
    (project / "params.yaml").unlink()
    assert refused(*command).startswith("SettingsError: params.yaml: not there; `make params`")


@pytest.fixture
def conf(project) -> Path:
    for folder in ("conf", "features"):
        shutil.copytree(ROOT / folder, project / folder)
    (project / "requirements").mkdir()
    (project / "requirements/dev.txt").touch()
    shutil.copy(ROOT / "params.yaml", project)
    return project / "conf"


def test_the_check_passes_on_what_conf_composes_and_fails_on_anything_else(project, conf):
    assert keepfit("params", "--check").status == 0
    (project / "params.yaml").write_text("seed: 1\n")
    assert "params.yaml is not what conf/ composes" in refused("params", "--check")
    assert (project / "params.yaml").read_text() == "seed: 1\n"
    assert keepfit("params").status == 0
    assert keepfit("params", "--check").status == 0


def test_a_dataset_that_is_chosen_stays_chosen(project, conf):
    assert keepfit("params", "--dataset", "flights").status == 0
    before = (project / "params.yaml").read_text()
    assert yaml.safe_load(before)["dataset"]["name"] == "flights"
    assert keepfit("params").status == 0
    assert (project / "params.yaml").read_text() == before
    assert "no moon.yaml" in refused("params", "--dataset", "moon")


def test_the_installed_command_ends_with_status_1_and_one_line(project):
    (project / "params.yaml").unlink()
    script = Path(sys.executable).with_name("keepfit")
    found = subprocess.run([script, "summary"], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert found.stdout == ""
    assert found.stderr == "SettingsError: params.yaml: not there; `make params` composes it from conf/\n"
