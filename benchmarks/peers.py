"""Peers: alibi-detect's TabularDrift in this process, Evidently's default preset in an environment of its own."""

import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.calm import WINDOWS, Scene
from keepfit.detectors import load_detectors
from keepfit.features import LABEL
from keepfit.files import read_json, write_table
from keepfit.scores import SCORE, predict_scores

# Evidently 0.7.23 does not import with pandas 3.
EVIDENTLY = ("evidently==0.7.23", "pandas==2.3.3", "pyarrow==25.0.0")
SIGNIFICANCE = 0.05
DATASET, COLUMN = "Evidently DataDriftPreset", "Evidently, any column"


def tabular_drift(scene: Scene) -> Callable[[pd.DataFrame], np.ndarray]:
    """Return what tells of each window of a chain whether TabularDrift, fitted on the reference, calls it drift."""
    load_detectors("alibi-detect")  # quietens it
    from alibi_detect.cd import TabularDrift

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that all features are numbers, which they are
        detector = TabularDrift(scene.bundle.reference[scene.features].to_numpy(), p_val=SIGNIFICANCE)

    def ask(table: pd.DataFrame) -> np.ndarray:
        windows = np.split(table[scene.features].to_numpy(), WINDOWS)
        return np.array([bool(detector.predict(window)["data"]["is_drift"]) for window in windows])

    return ask


def place_of(champion: int, chain: int, change: str) -> str:
    """Return the name of the folder of a chain's windows under a change."""
    return f"evidently,{champion},{chain},{change}"


def leave_windows(place: Path, scene: Scene, table: pd.DataFrame, *, skip: int) -> None:
    """Write the reference and the windows of a chain, features with score and label, for Evidently to read."""
    scores = predict_scores(scene.bundle.model, table[scene.features], scene.settings.dataset.task)
    columns = [*scene.features, SCORE, LABEL]
    window = np.arange(len(table)) // (len(table) // WINDOWS)
    rows = table.assign(**{SCORE: scores})[columns].assign(window=window)
    place.mkdir(parents=True)
    write_table(place / "reference.parquet", scene.bundle.reference[columns])
    write_table(place / "windows.parquet", rows[window >= skip])


def make_environment(folder: Path) -> Path:
    """Install Evidently into an environment of its own, and return its Python."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *EVIDENTLY]
    subprocess.run(install, check=True)
    return python


def ask_evidently(python: Path, folder: Path, *, jobs: int = 2) -> pd.DataFrame:
    """Return Evidently's alarms at the windows that were left in `folder`: by its verdict, and by any column.

    Windows before the change are those of the untouched chain, and are not asked for twice.
    """
    places, script = sorted(folder.glob("evidently,*/")), Path(__file__).with_name("evidently_windows.py")
    with ThreadPoolExecutor(jobs) as pool:
        shares = [[str(python), str(script), *map(str, places[number::jobs])] for number in range(jobs)]
        list(pool.map(partial(subprocess.run, check=True), shares))
    return pd.concat([_read(place) for place in places], ignore_index=True)


def _read(place: Path) -> pd.DataFrame:
    _, champion, chain, change = place.name.split(",")
    told = pd.DataFrame(read_json(place / "told.json")).rename(columns={"dataset": DATASET, "column": COLUMN})
    told = told.assign(champion=int(champion), chain=int(chain), change=change)
    keys = ["champion", "chain", "change", "window"]
    return told.melt(id_vars=keys, value_vars=[DATASET, COLUMN], var_name="tool", value_name="alarm")
