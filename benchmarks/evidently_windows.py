"""Ask Evidently's data-drift preset of windows; runs in Evidently's own environment and imports nothing of Keepfit.

Each folder named has `reference.parquet` and `windows.parquet` (column `window`); `told.json` is written there.
"""

import json
import sys
import warnings
from pathlib import Path

import pandas as pd
from evidently import Report
from evidently.metrics import DriftedColumnsCount
from evidently.presets import DataDriftPreset


def count_drifted(metric: object, window: pd.DataFrame, reference: pd.DataFrame) -> tuple[float, float]:
    """Return which share of columns drifted by Evidently's defaults, and from which on it calls that drift."""
    for said in Report([metric]).run(window, reference).dict()["metrics"]:
        if said["metric_name"].startswith("DriftedColumnsCount"):
            return float(said["value"]["share"]), said["config"]["drift_share"]
    raise SystemExit("the report has no DriftedColumnsCount")


def main() -> None:
    """Tell of each window; the first one also by the whole preset, which must say the same."""
    warnings.simplefilter("ignore")
    for number, folder in enumerate(map(Path, sys.argv[1:])):
        reference, told = pd.read_parquet(folder / "reference.parquet"), []
        for window, rows in pd.read_parquet(folder / "windows.parquet").groupby("window"):
            rows = rows.drop(columns="window")
            # The preset draws each column, which takes most of its time and tells nothing new.
            share, needed = count_drifted(DriftedColumnsCount(), rows, reference)
            if not number and not told and (share, needed) != count_drifted(DataDriftPreset(), rows, reference):
                raise SystemExit("the preset and its count alone differ")
            told.append({"window": int(window), "dataset": share >= needed, "column": share > 0})
        (folder / "told.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main()
