"""Experiments as DVC's manual has them, sweeps, and the adoption of a winner, in clean clones."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import time
from io import StringIO
from pathlib import Path

import psutil
import pytest
import yaml

from tests.integration.conftest import Clone, make_clone

pytestmark = pytest.mark.slow

SWEEP = """\
always: [search=none, model.params.max_iter=30]
vary:
  model.params.max_leaf_nodes: [3, 5, -7]
  model.params.learning_rate: [0.05]
"""
# An experiment is under its baseline's commit; the other references are DVC's own: what runs, and what waits.
EXPERIMENT = re.compile(r"refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/(.+)")
CHAMPION = "models/sp500/champion/passport.json"


@pytest.fixture
def clone(reproduced: Clone, tmp_path: Path) -> Clone:
    copy = Clone(Path(shutil.copytree(reproduced.path, tmp_path / "keepfit", symlinks=True)))
    (copy.path / "conf/sweep/mine.yaml").write_text(SWEEP)
    copy.run("git", "add", "conf")
    copy.run("git", "commit", "--quiet", "--message", "a sweep")
    return copy


def commits(clone: Clone) -> dict[str, str]:
    """The commits of the experiments by name."""
    lines = clone.run("git", "for-each-ref", "refs/exps", "--format=%(objectname) %(refname)").splitlines()
    found = ((commit, EXPERIMENT.fullmatch(name)) for commit, name in (line.split() for line in lines))
    return {each[1]: commit for commit, each in found if each}


def shown(clone: Clone) -> dict[str, dict[str, str]]:
    """What `dvc exp show` says of each experiment."""
    rows = csv.DictReader(StringIO(clone.run("dvc", "exp", "show", "--csv")))
    return {row["Experiment"] or row["rev"]: row for row in rows}


def wait_for_queue(clone: Clone, patience: float = 600) -> str:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        said = clone.run("dvc", "queue", "status")
        if "Running" not in said and "Queued" not in said:
            return said
        time.sleep(2)
    raise AssertionError(said)


def wait_for_a_trial(clone: Clone, sweep: subprocess.Popen, patience: float = 300) -> None:
    end = time.monotonic() + patience
    while not commits(clone):
        assert time.monotonic() < end
        assert sweep.poll() is None
        time.sleep(0.1)


def processes_in(clone: Clone) -> list[psutil.Process]:
    """What runs in the clone or in DVC's copies of it."""
    found = psutil.process_iter(["cwd"])
    return [each for each in found if (each.info["cwd"] or "").startswith(str(clone.path))]


def test_a_queue_of_experiments_is_run_shown_compared_applied_branched_and_adopted(clone: Clone):
    champion = clone.read(CHAMPION)
    clone.run(
        "dvc", "exp", "run", "--queue", "-S", "search=none", "-S", "model.params.max_leaf_nodes=3,5", "-n", "leaves"
    )
    clone.run("dvc", "exp", "run", "--queue", "-S", "search=none", "-S", "model=random_forest", "-n", "forest")
    clone.run("dvc", "queue", "start", "-j", "2")
    assert "Failed" not in wait_for_queue(clone)
    rows = shown(clone)
    assert {"leaves-1", "leaves-2", "forest"} <= rows.keys()
    assert rows["forest"]["model.name"] == "random_forest"
    assert float(rows["forest"]["fit_seconds"]) > 0
    # Nothing of the boosted model is left in the forest's parameters.
    params = yaml.safe_load(clone.run("git", "show", f"{commits(clone)['forest']}:params.yaml"))
    assert params["model"]["params"].keys() == {
        "n_estimators",
        "max_depth",
        "min_samples_leaf",
        "max_features",
        "max_samples",
    }
    assert "max_leaf_nodes" in clone.run("dvc", "exp", "diff", "leaves-1", "leaves-2")
    plots = json.loads(clone.run("dvc", "plots", "diff", "HEAD", "forest", "--json"))
    assert "forest" in json.dumps(plots)
    said = clone.run("keepfit", "compare", "HEAD", "leaves-1", "forest")
    for line in ("log_loss", "model.params.max_leaf_nodes", "version", "trained on", "RandomForestClassifier"):
        assert line in said
    listed = clone.run("make", "experiments")
    assert [line.split()[0] for line in listed.splitlines()[:2]] == ["name", "HEAD"]
    clone.run("dvc", "exp", "branch", "forest", "a-forest")
    assert "a-forest" in clone.run("git", "branch")
    clone.run("dvc", "exp", "apply", "forest")
    assert yaml.safe_load(clone.read("params.yaml"))["model"]["name"] == "random_forest"
    assert clone.read(CHAMPION) == champion

    # What is adopted is what the next `make repro` trains.
    clone.run("git", "checkout", "--quiet", ".")
    clone.run("dvc", "checkout", "--quiet")
    assert "conf/config.yaml" in clone.run("keepfit", "adopt", "forest")
    clone.run("keepfit", "params", "--check")
    clone.run("make", "repro")
    passport = json.loads(clone.read("models/sp500/challenger/passport.json"))
    assert "RandomForestClassifier" in passport["estimator"]
    metrics = json.loads(clone.run("git", "show", f"{commits(clone)['forest']}:reports/sp500/metrics.json"))
    assert json.loads(clone.read("reports/sp500/metrics.json")) == metrics


def test_a_sweep_goes_on_where_it_stopped_ranks_its_trials_and_shows_the_one_that_failed(clone: Clone):
    champion = clone.read(CHAMPION)
    running = clone.start("keepfit", "sweep", "mine", "-j", "1")
    wait_for_a_trial(clone, running)
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait(timeout=60) == 1
    assert not processes_in(clone)
    before = commits(clone)
    assert before.keys() == {"mine-3-0-05"}

    printed = clone.run("make", "sweep", "SWEEP=mine", status=2)
    assert "1 of 3 trials are done already" in printed
    assert commits(clone).keys() == {"mine-3-0-05", "mine-5-0-05"}
    assert commits(clone).items() >= before.items()
    # The reason is on the line of the trial, or under it where it is long.
    assert "EstimatorError" in next(line for line in printed.splitlines() if "mine-7-0-05" in line)
    assert "-7" in printed.partition("EstimatorError")[2]
    ranking = list(csv.DictReader((clone.path / "reports/sp500/sweep/mine.csv").read_text().splitlines()))
    assert {row["trial"] for row in ranking} == {"mine-3-0-05", "mine-5-0-05"}
    best, other = (row["difference"] for row in ranking)
    assert best == "first"
    assert other in ("real", "noise")
    assert (clone.path / "reports/sp500/sweep/mine.png").stat().st_size > 10_000
    assert clone.read(CHAMPION) == champion
    assert clone.run("git", "status", "--porcelain") == ""
    [log] = clone.path.glob(".dvc/tmp/sweep/*/mine-5-0-05.log")
    assert "Stage 'features' didn't change" in log.read_text()

    # The same command tries what failed again, and that alone.
    before = commits(clone)
    again = clone.run("keepfit", "sweep", "mine", status=1)
    assert "2 of 3 trials are done already" in again
    assert "EstimatorError" in again
    assert commits(clone) == before
    listed = clone.run("make", "experiments")
    assert "failed: EstimatorError" in next(line for line in listed.splitlines() if "mine-7-0-05" in line)


def test_a_sweep_asks_for_a_commit_first(clone: Clone):
    (clone.path / "conf/sweep/mine.yaml").write_text(SWEEP + "\n")
    printed = clone.run("python", "-m", "keepfit", "sweep", "mine", status=1)
    assert "not committed: conf/sweep/mine.yaml" in printed
    assert printed.count("\n") == 1


def test_an_experiment_on_flights_leaves_its_champion_alone(tmp_path: Path):
    clone = make_clone(tmp_path / "keepfit")
    conf = clone.path / "conf/config.yaml"
    conf.write_text(conf.read_text().replace("- search: random", "- search: none"))
    clone.run("make", "repro", "DATASET=flights")
    clone.run("git", "add", "--all")
    clone.run("git", "commit", "--quiet", "--message", "flights")
    champion = clone.read("models/flights/champion/passport.json")
    clone.run("dvc", "exp", "run", "--queue", "-n", "straight", "-S", "model=linear")
    clone.run("dvc", "queue", "start", "-j", "2")
    assert "Success" in wait_for_queue(clone)
    assert "straight" in shown(clone)
    assert clone.read("models/flights/champion/passport.json") == champion
