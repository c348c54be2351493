import json
import os
from pathlib import Path
from typing import get_args

import pytest

from keepfit.serving.last_check import VERDICTS, LastCheck
from keepfit.verdict import Verdict


def told(check: LastCheck) -> dict[tuple[str, ...], float]:
    return {
        (family.name, *sample.labels.values()): sample.value for family in check.families() for sample in family.samples
    }


def test_the_verdicts_are_those_of_the_check():
    assert get_args(Verdict) == VERDICTS


def test_no_report_is_no_verdict(tmp_path: Path):
    check = LastCheck(tmp_path / "drift.json")
    check.look()
    assert told(check) == {}


def test_the_newest_verdict_is_told_and_the_others_are_zero(tmp_path: Path):
    report = tmp_path / "drift.json"
    check = LastCheck(report)
    for number, verdict in enumerate(["ok", "performance"]):
        report.write_text(json.dumps({"verdict": verdict}))
        os.utime(report, (100.0 + number, 100.0 + number))
        check.look()
    found = told(check)
    assert found["keepfit_drift", "performance"] == 1
    assert sum(value for (name, *_), value in found.items() if name == "keepfit_drift") == 1
    assert len(found) == 6
    assert found["keepfit_drift_checked_timestamp_seconds",] == 101.0


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "\xff"])
def test_half_a_report_changes_nothing_and_is_told(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture):
    report = tmp_path / "drift.json"
    check = LastCheck(report)
    report.write_text('{"verdict": "ok"}')
    check.look()
    report.write_bytes(text.encode("latin-1"))
    check.look()
    assert told(check)["keepfit_drift", "ok"] == 1
    assert "no drift report" in caplog.text
