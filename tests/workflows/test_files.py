"""What act cannot show of the workflows is held to their text; the linters find nothing."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
CALLERS = ("retrain.yml", "retrain-on-push.yml", "retrain-on-demand.yml")


def load(name: str) -> dict:
    # YAML 1.1 reads the key `on` as true.
    read = yaml.safe_load((ROOT / ".github/workflows" / name).read_text())
    return {"on" if key is True else key: value for key, value in read.items()}


def jobs() -> list:
    return [
        pytest.param(job, id=f"{file.stem}-{name}") for file in FILES for name, job in load(file.name)["jobs"].items()
    ]


def steps() -> list[dict]:
    return [step for param in jobs() for step in param.values[0].get("steps", [])]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_workflow_grants_nothing_by_default(file):
    assert load(file.name)["permissions"] == {}


@pytest.mark.parametrize("job", jobs())
def test_a_job_names_its_permissions_and_when_it_is_cut_off(job):
    assert job["permissions"]
    assert set(job["permissions"].values()) <= {"read", "write"}
    assert "uses" in job or job["timeout-minutes"] <= 60


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_job_that_writes_runs_one_at_a_time_and_is_never_cancelled(file):
    workflow = load(file.name)
    for job in workflow["jobs"].values():
        if "uses" not in job and "write" in job["permissions"].values():
            one_at_a_time = job.get("concurrency") or workflow["concurrency"]
            assert one_at_a_time["group"]
            assert one_at_a_time["cancel-in-progress"] is False


def test_every_action_is_pinned_to_a_commit_and_says_which_version_that_is():
    for file in FILES:
        for line in file.read_text().splitlines():
            if (found := re.search(r"uses: (\S+)(.*)", line)) and not found[1].startswith("./"):
                assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", found[1]), line
                assert re.fullmatch(r" # v\d+(\.\d+)*", found[2]), line


def test_no_script_holds_an_expression():
    for step in steps():
        assert "${{" not in step.get("run", ""), step


def test_credentials_stay_with_git_only_where_a_job_pushes():
    for param in jobs():
        job = param.values[0]
        for step in job.get("steps", []):
            if step.get("uses", "").startswith("actions/checkout@"):
                keeps = step["with"].get("persist-credentials", True)
                assert not keeps or job["permissions"]["contents"] == "write", param.id


def test_the_schedule_has_a_file_of_its_own():
    assert set(load("retrain.yml")["on"]) == {"schedule"}
    others = [file.name for file in FILES if "schedule" in load(file.name)["on"] and file.name != "retrain.yml"]
    assert others == []


@pytest.mark.parametrize("name", CALLERS)
def test_the_callers_pass_the_secrets_that_the_loop_names_and_no_others(name):
    (job,) = load(name)["jobs"].values()
    assert job["uses"] == "./.github/workflows/loop.yml"
    assert set(job["secrets"]) == set(load("loop.yml")["on"]["workflow_call"]["secrets"])
    assert job["permissions"] == load("loop.yml")["jobs"]["turn"]["permissions"]


def test_a_push_retrains_where_data_settings_features_or_the_lock_changed():
    push = load("retrain-on-push.yml")["on"]["push"]
    assert push == {"branches": ["main"], "paths": ["data/**", "conf/**", "features/**", "dvc.lock"]}


def test_a_pull_request_from_a_fork_meets_no_secret_and_no_right_to_write():
    for file in FILES:
        triggers = load(file.name)["on"]
        assert "pull_request_target" not in triggers
        assert "workflow_run" not in triggers
        if "pull_request" in triggers:
            assert "secrets." not in file.read_text(), file.name
            for job in load(file.name)["jobs"].values():
                assert set(job["permissions"].values()) <= {"read"}


def test_whatever_may_write_waits_to_be_switched_on():
    assert load("loop.yml")["jobs"]["turn"]["if"] == "vars.KEEPFIT_LOOP == 'on'"
    assert load("register.yml")["jobs"]["tag"]["if"] == "vars.KEEPFIT_LOOP == 'on'"


@pytest.mark.parametrize(
    "command",
    [
        ["actionlint"],
        ["zizmor", "--offline", "--no-progress", "--quiet", ".github/workflows"],
        *(["act", "--validate", "--strict", "-W", f".github/workflows/{file.name}"] for file in FILES),
    ],
    ids=lambda command: command[0] if len(command) < 5 else f"{command[0]}-{Path(command[-1]).stem}",
)
def test_the_linters_find_nothing(command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
