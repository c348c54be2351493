"""A small panel: stations whose rows are interleaved in time, with features that look back on the station's own.

It is its own module of features, under the name that `features/panel.py` would have.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keepfit.bundle import Bundle
from keepfit.dataset import Dataset
from keepfit.features import feature
from keepfit.scores import predict_scores
from keepfit.settings import Settings
from keepfit.windows import mean
from tests.bundles import train_bundle
from tests.service.asking import prepare_quickly
from tests.toys import BOOSTED, toy_settings, toy_table

STATIONS = ("north", "south", "east", "west")
LOOK_BACK = 2


@feature(look_back=LOOK_BACK)
def own_mean(x):
    """Mean of the station's last three rows."""
    return mean(x, LOOK_BACK + 1)


@feature(look_back=1)
def trend(c, x):
    """Whether x rose since the station's row before, as a text."""
    return c.astype(object) + (x > x.shift(1)).map({True: " up", False: " down"})


@feature()
def doubled(x):
    return 2 * x


def panel_settings(**overrides: Any) -> Settings:
    """The toy settings with stations as entities."""
    return toy_settings(
        **{
            "model": BOOSTED,
            "dataset.columns.station": {"type": "category"},
            "dataset.entity": "station",
            "dataset.keys": ["time", "station"],
            "dataset.features": {"module": "panel", "columns": ["x"]},
            **overrides,
        }
    )


def panel_dataset(**overrides: Any) -> Dataset:
    """The dataset of the panel's settings; a key with dots is one of the settings."""
    return panel_settings(
        **{key if "." in key else f"dataset.{key}": value for key, value in overrides.items()}
    ).dataset


def panel_rows(count: int = 400) -> pd.DataFrame:
    """Typed rows, two an hour of any two stations, the last of them a new one; y follows the mean of own rows."""
    draw = np.random.default_rng(11)
    station = np.concatenate([draw.permutation(len(STATIONS))[:2] for _ in range(count // 2)])
    names = np.array([*STATIONS, "new"])[np.append(station[:-1], len(STATIONS))]
    x, c = draw.normal(size=count), draw.choice(["a", "b", "d"], size=count)
    own = pd.Series(x).groupby(names).transform(lambda each: each.rolling(3, min_periods=1).mean())
    y = (draw.uniform(size=count) < 1 / (1 + np.exp(-4 * own))).astype(float)
    times = pd.date_range("2020-01-01", periods=count // 2, freq="h").repeat(2).astype("datetime64[ns]")
    rows = pd.DataFrame({"time": times, "x": x, "c": c, "y": y, "station": names})
    return rows.astype({"c": "category", "station": "category"})


def train_panel(folder: Path, rows: pd.DataFrame, **overrides: Any) -> Bundle:
    """The bundle of the panel's rows."""
    sys.modules["features.panel"] = sys.modules[__name__]
    settings = panel_settings(**overrides)
    return train_bundle(folder / "champion", toy_table(rows, settings), settings, valid=rows)


def package_panel(folder: Path, rows: pd.DataFrame) -> Bundle:
    """The bundle of the panel's rows with what serving needs."""
    bundle = train_panel(folder, rows)
    prepare_quickly(bundle, rows)
    return bundle


def pipeline_scores(bundle: Bundle, rows: pd.DataFrame) -> pd.Series:
    """The scores of the feature table, of the rows whose station has rows enough before them."""
    table = toy_table(rows, panel_settings())
    scores = pd.Series(predict_scores(bundle.model, table[list(bundle.passport.features)], "binary"), rows.index)
    return scores[rows.groupby("station", observed=True).cumcount() >= LOOK_BACK]
