"""A champion trained on calm toy rows, and rows that come after, calm or not."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keepfit.bundle import Bundle
from keepfit.checkup import Checkup, examine
from keepfit.settings import Settings
from tests.bundles import train_bundle
from tests.toys import toy_rows, toy_settings, toy_table, toy_values

TRAINED, NEWER = 500, 200
NOBODY = pd.Series([], dtype="datetime64[ns]")


def monitored_settings(**overrides: Any) -> Settings:
    """Toy settings with a budget of one false alarm in 13 windows, as few as their history supports."""
    return toy_settings(**{"train.holdout": 100, "drift.window": 20, "drift.false_alarms_per_year": 1.4, **overrides})


def calm_rows(seed: int = 3) -> pd.DataFrame:
    """700 typed rows of one world, one a day."""
    return toy_rows(TRAINED + NEWER, seed=seed)


def champion(folder: Path, settings: Settings | None = None, rows: pd.DataFrame | None = None) -> Bundle:
    """The bundle of the first 500 rows."""
    settings, rows = settings or monitored_settings(), calm_rows() if rows is None else rows
    return train_bundle(folder / "champion", toy_table(rows[:TRAINED], settings), settings)


def numbered_settings() -> Settings:
    """Settings of a table without a time of its own: the order of its rows is the order of time, one a day."""
    toy = toy_values()["dataset"]
    columns = {"row": {"type": "datetime", "format": "D"}} | toy["columns"]
    del columns["time"]
    given = {"time": "row", "keys": ["row"], "columns": columns, "source": toy["source"] | {"row_number": "row"}}
    return monitored_settings(**{f"dataset.{name}": value for name, value in given.items()})


def numbering(rows: pd.DataFrame) -> pd.DataFrame:
    """The typed rows of such a table."""
    return rows.rename(columns={"time": "row"})


def newer_rows() -> pd.DataFrame:
    """The 200 rows that come after the champion's."""
    return calm_rows()[TRAINED:].reset_index(drop=True)


def moved_rows() -> pd.DataFrame:
    """200 newer rows whose `x` is one higher, and whose outcomes follow from it as ever."""
    draw, rows = np.random.default_rng(5), newer_rows()
    x = rows.x + 1
    signal = 1.5 * x + 1.0 * (rows.c == "b") - 0.3
    return rows.assign(x=x, y=(draw.uniform(size=len(rows)) < 1 / (1 + np.exp(-signal))).astype(float))


def flip(rows: pd.DataFrame, share: float) -> pd.DataFrame:
    """The rows with this share of the outcomes turned round."""
    turned = np.random.default_rng(0).uniform(size=len(rows)) < share
    return rows.assign(y=np.where(turned, 1 - rows.y, rows.y))


def examined(rows: pd.DataFrame, bundle: Bundle, settings: Settings | None = None, **options: Any) -> Checkup:
    """The checkup of typed toy rows."""
    settings = settings or monitored_settings()
    return examine(toy_table(rows, settings), rows, bundle, settings, **{"set_aside": NOBODY, **options})
