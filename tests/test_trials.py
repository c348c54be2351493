from pathlib import Path

import pytest

from keepfit.trials import Logs

FAILED = """\
Reproducing experiment 'mine-7'
Running stage 'train':
EstimatorError: model.estimator.binary: got -7 instead
ERROR: failed to reproduce 'train': failed to run: python -m stages.train, exited with 1
"""


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    return Logs(tmp_path)


def test_a_failed_trial_tells_the_stage_s_own_error(logs: Logs):
    logs.path("mine-7").write_text(FAILED)
    assert logs.why("mine-7") == "EstimatorError: model.estimator.binary: got -7 instead"


def test_overrides_that_do_not_compose_are_told_as_dvc_says_it(logs: Logs):
    logs.path("a").write_text("ERROR: unexpected error - Could not override 'model.x'.\n\nHaving any troubles?\n")
    assert logs.why("a") == "ERROR: unexpected error - Could not override 'model.x'."


def test_a_trial_that_says_nothing_was_interrupted(logs: Logs):
    logs.path("a").write_text("Reproducing experiment 'a'\n")
    assert logs.why("a") == "interrupted"


def test_logs_belong_to_a_commit():
    assert Logs.of("abc").path("mine-1") == Path(".dvc/tmp/sweep/abc/mine-1.log")
    assert Logs.of("abc").names() == []
