"""A shop's orders: a table of its own in a copy of the repository, small enough to train in a second.

Dear orders are sent back. `dear` orders are sent back from a higher price on only; `strange` ones come through
another channel, which says nothing of returns.
"""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

FIRST, A_DAY = "2024-01-01", 6
LEARNED = 244  # days, to the end of August
NEWER = "2024-09-01"
MODULE = '''"""The shop's orders, from where the environment says."""

import os

import pandas as pd


def load() -> pd.DataFrame:
    """Return every order there is."""
    return pd.read_csv(os.environ["SHOP_ORDERS"])
'''
DATASET = {
    "name": "shop",
    "task": "binary",
    "until": date(2024, 8, 31),
    "may_go_backwards": False,
    "time": "day",
    "ordered": False,
    "freshness": None,
    "keys": ["order"],
    "columns": {
        "day": {"type": "datetime"},
        "order": {"type": "int", "min": 0},
        "price": {"type": "float", "min": 0, "max": 1000},
        "channel": {"type": "float", "min": -100, "max": 100},
        "returned": {"type": "int", "nullable": True, "min": 0, "max": 1},
    },
    "features": {"module": "shop", "columns": ["price", "channel"]},
    "label": "returned",
    "horizon": "1D",
    "splits": {"holdout": "30D", "block": "1D", "batch": "15D"},
}
OBJECTIVE = {
    "question": "Will this order be sent back?",
    "metric": "log_loss",
    "limits": {},
    "cost": {"false_positive": 1, "false_negative": 2},
    "unit": "euros",
}


def orders(days: int, *, first: str = FIRST, seed: int = 0, start: float = 50, strange: bool = False):
    """Return the orders of so many days, the newest last."""
    draw = np.random.default_rng(seed)
    n = days * A_DAY
    price = draw.uniform(0, 100, n).round(2)
    channel = draw.normal(8 if strange else 0, 1, n).round(3)
    signal = (price - start) / 8
    returned = (draw.uniform(size=n) < 1 / (1 + np.exp(-signal))).astype(int)
    day = pd.Timestamp(first) + pd.to_timedelta(np.arange(n) // A_DAY, unit="D")
    start = (pd.Timestamp(first) - pd.Timestamp(FIRST)).days * A_DAY
    return pd.DataFrame(
        {"day": day, "order": start + np.arange(n), "price": price, "channel": channel, "returned": returned}
    )


def history(*newer: pd.DataFrame) -> pd.DataFrame:
    """Return the orders that the first champion learned from, and newer ones."""
    return pd.concat([orders(LEARNED), *newer])


def declare(repository: Path) -> None:
    """Make the shop's table the use case of a copy of the repository."""
    conf = repository / "conf"
    source = {"kind": "python", "callable": "features.shop:load", "watch": "features/shop.py"}
    (repository / "features/shop.py").write_text(MODULE)
    (conf / "dataset/shop.yaml").write_text(yaml.safe_dump({**DATASET, "source": source}, sort_keys=False))
    (conf / "objective/shop.yaml").write_text(yaml.safe_dump(OBJECTIVE, sort_keys=False))
    config = (conf / "config.yaml").read_text()
    for old, new in {
        "- dataset: sp500": "- dataset: shop",
        "- model: hist_gradient_boosting": "- model: linear",
        "- search: random": "- search: none",
        "resamples: 2000": "resamples: 200",
        "min_rows: 200": "min_rows: 100",
        "advance: 91D": "advance: 15D",
        "publish: pull-request": "publish: direct",
        "jobs: -1": "jobs: 1",
    }.items():
        assert old in config, old
        config = config.replace(old, new)
    (conf / "config.yaml").write_text(config)
    drift = conf / "drift/calibrated.yaml"
    drift.write_text(drift.read_text().replace("backend: alibi-detect", "backend: scipy"))
