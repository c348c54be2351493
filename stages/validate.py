"""Validate: the rows that keep the rules, and those that do not."""

from pathlib import Path

import pandas as pd

from keepfit import stage
from keepfit.engine import start_engine
from keepfit.files import write_json
from keepfit.repairs import read_repairs
from keepfit.settings import Settings
from keepfit.settle import write_settled
from keepfit.spool import spooling
from keepfit.tables import Table, write_parts
from keepfit.validate import enforce_freshness, enforce_quota
from keepfit.validate_table import validate_table


def main(settings: Settings, raw: Path, repairs: Path, valid: Path, quarantine: Path, report: Path) -> None:
    dataset = settings.dataset
    mended = read_repairs(repairs / f"{dataset.name}.csv", dataset)
    with start_engine(settings.engine) as engine, spooling(valid) as spool:
        found = validate_table(Table(raw), dataset, mended, engine=engine, spool=spool)
        write_settled(quarantine, found.quarantine)
        write_json(report, found.report)
        enforce_quota(found.report, Table(quarantine), dataset, settings.validate_.quota)
        enforce_freshness(found.newest, dataset, now=pd.Timestamp.now("UTC").tz_localize(None))
        write_parts(valid, found.valid())


if __name__ == "__main__":
    stage.run(main)
