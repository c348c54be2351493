"""Reproduction: `dvc repro` of the whole graph, or of what a drift check needs of it."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from keepfit.errors import ReproductionError
from keepfit.files import read_json, write_json
from keepfit.settings import load_settings


def check_newest(params: Path) -> dict[str, Any]:
    """Refresh the features, run the drift stage alone, and return its report.

    What is wrong with the data itself becomes part of the report. Raises ReproductionError.
    """
    from keepfit.checkup import broken
    from keepfit.incoming import DATA_ERRORS

    settings = load_settings(params)
    record = Path("reports", settings.dataset.name, "drift.json")
    for target in (["features"], ["--single-item", "drift"]):
        status, printed = _run(target)
        if status:
            names = "|".join(error.__name__ for error in DATA_ERRORS)
            if fault := re.search(rf"^(?:{names}): .*$", printed, re.MULTILINE):
                found = broken(fault[0], settings)
                write_json(record, found.report)
                return found.report
            raise ReproductionError(_describe(target, status, printed))
    return read_json(record)


def reproduce(*targets: str) -> None:
    """Run `dvc repro`, its output on the terminal; raise ReproductionError with what the failed stage said."""
    status, printed = _run(list(targets))
    if status:
        raise ReproductionError(_describe(list(targets), status, printed))


def is_behind() -> bool:
    """Whether a stage's parameters, code or data differ from what dvc.lock was made of."""
    command = [sys.executable, "-m", "dvc", "repro", "--dry", "--allow-missing"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReproductionError(_describe(["--dry"], done.returncode, done.stdout + done.stderr))
    return "Running stage" in done.stdout


def _run(target: list[str]) -> tuple[int, str]:
    printed = []
    with subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", *target], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            printed.append(line)
            sys.stderr.write(line)
    return process.returncode, "".join(printed)


def _describe(target: list[str], status: int, printed: str) -> str:
    told = re.findall(r"^\w+(?:Error|Missing|Table|Rows|Column|Type|Backwards): .*$", printed, re.MULTILINE)
    words = told[-1] if told else " | ".join(printed.strip().splitlines()[-2:])
    return f"{' '.join(['dvc repro', *target])} ended with status {status}: {words}"
