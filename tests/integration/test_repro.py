"""`make repro` from a clean clone, on real data."""

import json
import os
import shutil
import signal
import socket
from pathlib import Path

import pytest

from tests.integration.conftest import Clone, make_clone, wait_until_ready

pytestmark = pytest.mark.slow


def test_a_clean_clone_reproduces_the_committed_lock_and_reports(reproduced: Clone):
    assert reproduced.run("git", "status", "--porcelain") == ""
    assert reproduced.run("git", "diff", "--stat") == ""


def test_make_repro_and_dvc_repro_alone_make_the_same_champion_to_the_last_bit(reproduced: Clone, tmp_path):
    other = make_clone(tmp_path / "other")
    other.run("dvc", "repro")
    for name in ("dvc.lock", "reports/sp500/metrics.json", "reports/sp500/gate.json"):
        assert other.read(name) == reproduced.read(name)
    for file in sorted((reproduced.path / "models/sp500/champion").iterdir()):
        assert (other.path / "models/sp500/champion" / file.name).read_bytes() == file.read_bytes(), file.name


def test_a_second_run_does_nothing(reproduced: Clone):
    before = reproduced.read("dvc.lock")
    printed = reproduced.run("make", "repro")
    assert "Running stage" not in printed
    assert "up to date" in printed
    assert reproduced.read("dvc.lock") == before


def test_the_closing_table_tells_what_happened(reproduced: Clone):
    printed = reproduced.run("python", "-m", "keepfit", "summary")
    for line in ("rows in", "quarantined", "model", "challenger", "naive baseline", "gate", "why", "package", "next"):
        assert line in printed


def test_a_comment_in_a_module_runs_again_what_imports_it_and_nothing_else(reproduced: Clone):
    file = reproduced.path / "keepfit" / "curves.py"
    text = file.read_text()
    try:
        file.write_text(text + "\n# a change\n")
        stale = json.loads(reproduced.run("dvc", "status", "--json"))
        assert set(stale) == {"evaluate", "gate"} or set(stale) == {"evaluate"}
    finally:
        file.write_text(text)


def test_metrics_plots_params_and_artifacts_say_something(reproduced: Clone):
    assert "challenger.log_loss" in reproduced.run("dvc", "metrics", "show")
    assert reproduced.run("dvc", "params", "diff") == ""
    plots = json.loads(reproduced.run("dvc", "plots", "show", "--json"))
    names = " ".join(plots.get("data", plots))
    for plot in ("Calibration", "Importance", "Residuals", "ROC", "Precision-recall"):
        assert plot in names
    assert "champion" in reproduced.run("dvc", "ls", ".", "models/sp500", "--recursive")


def test_an_experiment_is_shown_and_leaves_the_champion_alone(reproduced: Clone):
    champion = reproduced.read("models/sp500/champion/passport.json")
    lock = reproduced.read("dvc.lock")
    try:
        reproduced.run("dvc", "exp", "run", "-S", "model=linear", "-S", "search=none")
        gate = json.loads(reproduced.read("reports/sp500/gate.json"))
        assert gate["replaced"] is False
        assert reproduced.read("models/sp500/champion/passport.json") == champion
        shown = reproduced.run("dvc", "exp", "show", "--csv", "--only-changed")
        assert "linear" in shown
        assert "hist_gradient_boosting" in shown
    finally:
        reproduced.run("git", "checkout", "--quiet", ".")
        reproduced.run("dvc", "checkout", "--quiet")
    assert reproduced.read("dvc.lock") == lock


def test_an_experiments_winner_is_promoted_once_conf_says_so(reproduced: Clone, tmp_path):
    copy = Clone(Path(shutil.copytree(reproduced.path, tmp_path / "copy", symlinks=True)))
    conf = copy.path / "conf/config.yaml"
    conf.write_text(
        conf.read_text().replace("require: better", "require: no_worse").replace("margin: 0.01", "margin: 0.2")
    )
    copy.run("dvc", "exp", "run", "-S", "model=linear", "-S", "search=none")
    told = json.loads(copy.read("reports/sp500/gate.json"))
    assert (told["decision"], told["replaced"]) == ("promote", False)
    conf.write_text(
        conf.read_text()
        .replace("model: hist_gradient_boosting", "model: linear")
        .replace("search: random", "search: none")
    )
    printed = copy.run("make", "repro")
    told = json.loads(copy.read("reports/sp500/gate.json"))
    assert (told["decision"], told["replaced"]) == ("promote", True)
    assert "LogisticRegression" in json.loads(copy.read("models/sp500/champion/passport.json"))["estimator"]
    assert f"promoted {told['champion']['version']}" in printed
    assert "Running stage 'gate'" not in copy.run("make", "repro")


def test_a_first_challenger_that_is_refused_ends_with_the_table_too(tmp_path):
    clone = make_clone(tmp_path / "keepfit")
    (clone.path / "reports/sp500/gate.json").unlink()
    conf = clone.path / "conf/config.yaml"
    conf.write_text(
        conf.read_text()
        .replace("model: hist_gradient_boosting", "model: naive")
        .replace("search: random", "search: none")
    )
    printed = clone.run("make", "repro")
    assert "refused" in printed
    assert "scores vary" in printed
    assert "none: there is no champion yet" in printed


def test_make_serve_answers(reproduced: Clone):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = reproduced.start("make", "serve", f"PORT={port}")
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", server)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)
    # What serving leaves in the package does not make it another one.
    assert "Running stage" not in reproduced.run("make", "repro")
    assert "up to date" in reproduced.run("dvc", "repro")


def test_a_typing_mistake_in_the_configuration_is_one_line_before_any_stage_runs(fresh: Clone):
    file = fresh.path / "conf/config.yaml"
    text = file.read_text()
    try:
        file.write_text(text.replace("quota: 0.01", "quotta: 0.01"))
        printed = fresh.run("make", "repro", status=2)
        assert "validate.quotta: unknown key" in printed
        assert "Traceback" not in printed
        assert "Running stage" not in printed
    finally:
        file.write_text(text)


@pytest.mark.parametrize("dataset", ["flights", "flights_minutes"])
def test_another_dataset_goes_through_and_switching_back_loses_nothing(reproduced: Clone, dataset: str):
    champion = reproduced.read("models/sp500/champion/passport.json")
    printed = reproduced.run("make", "repro", f"DATASET={dataset}")
    assert f"models/{dataset}/bento" in printed
    assert "promoted" in printed
    # This removes the outputs of the dataset that is not in use, as every experiment does.
    reproduced.run("dvc", "checkout", "--quiet")
    reproduced.run("git", "checkout", "--quiet", ".")
    again = reproduced.run("make", "repro")
    assert "Running stage 'train'" not in again
    assert reproduced.read("models/sp500/champion/passport.json") == champion
    assert reproduced.run("git", "status", "--porcelain", "--untracked-files=no") == ""
