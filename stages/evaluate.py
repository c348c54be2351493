"""Evaluate: the challenger and the naive baseline on the holdout."""

from pathlib import Path

from keepfit import stage
from keepfit.bundle import read_bundle
from keepfit.evaluate import evaluate, judge, tabulate
from keepfit.files import read_table, write_curves, write_json, write_table
from keepfit.settings import Settings


def main(settings: Settings, table: Path, challenger: Path, holdout: Path, metrics: Path, plots: Path) -> None:
    bundle = read_bundle(challenger)
    judged = judge(read_table(table), bundle, settings)
    write_table(holdout, tabulate(judged, settings.dataset))
    found = evaluate(judged, bundle, settings)
    write_json(metrics, found.metrics)
    write_curves(plots, {**found.curves, "slices": found.slices})


if __name__ == "__main__":
    stage.run(main)
