"""Evaluate: the challenger and the naive baseline on the holdout."""

from pathlib import Path

from keepfit import stage
from keepfit.bundle import read_bundle
from keepfit.evaluate import evaluate, judge, tabulate
from keepfit.features import LABEL
from keepfit.files import read_table, write_curves, write_json, write_table
from keepfit.settings import Settings
from keepfit.splits import split_table
from keepfit.tables import Table


def main(settings: Settings, table: Path, challenger: Path, holdout: Path, metrics: Path, plots: Path) -> None:
    bundle = read_bundle(challenger)
    splits = split_table(read_table(table, [settings.dataset.time, LABEL]), settings)
    judged = judge(Table(table).pick(splits.held_out), bundle, settings, splits=splits)
    write_table(holdout, tabulate(judged, settings.dataset))
    found = evaluate(judged, bundle, settings)
    write_json(metrics, found.metrics)
    write_curves(plots, {**found.curves, "slices": found.slices})


if __name__ == "__main__":
    stage.run(main)
