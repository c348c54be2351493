"""Validate: the rows that keep the rules, and those that do not."""

from pathlib import Path

import pandas as pd

from keepfit import stage
from keepfit.files import read_table, write_json, write_table
from keepfit.repairs import read_repairs
from keepfit.settings import Settings
from keepfit.validate import enforce_freshness, enforce_quota, validate


def main(settings: Settings, raw: Path, repairs: Path, valid: Path, quarantine: Path, report: Path) -> None:
    dataset = settings.dataset
    found = validate(read_table(raw), dataset, read_repairs(repairs / f"{dataset.name}.csv", dataset))
    write_table(quarantine, found.quarantine)
    write_json(report, found.report)
    enforce_quota(found, dataset, settings.validate_.quota)
    enforce_freshness(found.valid, dataset, now=pd.Timestamp.now("UTC").tz_localize(None))
    write_table(valid, found.valid)


if __name__ == "__main__":
    stage.run(main)
