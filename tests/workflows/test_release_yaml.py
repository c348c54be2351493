"""What act cannot model of release.yml: triggers, permissions, secrets, order; test_files.py has what holds for all."""

import re
from pathlib import Path

import yaml

WORKFLOW = Path(__file__).parents[2] / ".github/workflows/release.yml"
TEXT = WORKFLOW.read_text()
TOLD = yaml.safe_load(TEXT)
ON, JOBS = TOLD[True], TOLD["jobs"]  # YAML takes `on` for true
STEPS = [step for job in JOBS.values() for step in job["steps"]]
# GitHub knows its tokens by name.
SECRETS = {
    "DVC_SECRET_KEY",
    "KEEPFIT_REGISTRY_PASSWORD",
    "KEEPFIT_SIGNING_KEY",
    "KEEPFIT_APP_KEY",
    "KEEPFIT_API_KEY",
    "DEPLOY_TOKEN",
}


def test_it_starts_on_a_champions_version_or_by_hand_and_never_for_a_fork():
    assert set(ON) == {"push", "workflow_dispatch"}
    assert ON["push"] == {"tags": ["champion@v[0-9]+.[0-9]+.[0-9]+"]}
    assert ON["workflow_dispatch"]["inputs"]["version"]["required"]


def test_a_tag_alone_starts_nothing_before_somebody_has_switched_releases_on():
    assert JOBS["build"]["if"] == "vars.KEEPFIT_RELEASE == 'on' || github.event_name == 'workflow_dispatch'"
    assert JOBS["deploy"]["needs"] == "build"


def test_each_job_has_what_it_needs_and_nothing_else():
    assert TOLD["permissions"] == {}
    assert JOBS["build"]["permissions"] == {"contents": "read", "packages": "write", "id-token": "write"}
    assert JOBS["deploy"]["permissions"] == {"contents": "write"}


def test_releases_follow_one_another_and_none_is_cut_off():
    assert TOLD["concurrency"] == {"group": "release", "cancel-in-progress": False}
    assert all(job["timeout-minutes"] <= 45 for job in JOBS.values())


def test_what_reaches_the_service_waits_for_the_environment():
    assert JOBS["deploy"]["environment"] == "production"
    assert "environment" not in JOBS["build"]


def test_the_pins_are_those_of_the_other_workflows():
    others = {
        name: commit
        for file in WORKFLOW.parent.glob("*.yml")
        if file != WORKFLOW
        for name, commit in re.findall(r"uses: ([\w/-]+)@(\S+)", file.read_text())
    }
    for name, commit in re.findall(r"uses: ([\w/-]+)@(\S+)", TEXT):
        assert others.get(name, commit) == commit, name


def test_credentials_stay_in_the_job_that_pushes_alone():
    kept = {name: _checkout(job)["with"]["persist-credentials"] for name, job in JOBS.items()}
    assert kept == {"build": False, "deploy": True}
    assert not any("upload-artifact" in step.get("uses", "") for step in JOBS["deploy"]["steps"])


def test_each_command_is_one_of_make():
    commands = [step["run"] for step in STEPS if "run" in step]
    assert all(re.fullmatch(r"make (venv|release STEP=[a-z]+)", each) for each in commands)


def test_the_steps_are_in_order_and_a_failed_one_is_undone():
    steps = {name: [_step(step) for step in job["steps"] if "run" in step] for name, job in JOBS.items()}
    assert steps["build"] == ["venv", "build", "test", "image", "sbom", "push", "sign"]
    assert steps["deploy"] == ["venv", "deploy", "smoke", "finish", "undo"]
    assert JOBS["deploy"]["steps"][-1]["if"] == "failure() || cancelled()"


def test_each_secret_is_seen_by_the_step_that_needs_it_alone():
    found = [name for step in STEPS for name in re.findall(r"secrets\.(\w+)", str(step))]
    assert set(found) == SECRETS
    # The deployment's token is for what deploys, and for what deploys the old version again.
    assert {name for name in found if found.count(name) > 1} == {"DEPLOY_TOKEN"}
    assert "secrets." not in str(TOLD.get("env")) + "".join(str(job.get("env")) for job in JOBS.values())


def test_nothing_that_another_run_has_cached_gets_into_a_release():
    assert "actions/cache" not in TEXT
    assert not any("cache" in step.get("with", {}) for step in STEPS)


def _checkout(job: dict) -> dict:
    return next(step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@"))


def _step(step: dict) -> str:
    return step["run"].split()[-1].removeprefix("STEP=")
