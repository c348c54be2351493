"""A shop's orders: a table of its own in a copy of the repository, small enough to train in a second.

Whether an order is sent back depends on its price; `turned` orders turn that around, `strange` ones come from a
channel that says nothing about returns and is used otherwise.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

FIRST, DAYS, A_DAY = "2024-01-01", 400, 4
DATASET = {
    "name": "shop",
    "task": "binary",
    "until": "2024-12-31",
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
    "features": {"module": "as_is", "columns": ["price", "channel"]},
    "label": "returned",
    "horizon": "1D",
    "splits": {"holdout": "60D", "block": "1D", "batch": "15D"},
}
OBJECTIVE = {
    "question": "Will this order be sent back?",
    "metric": "log_loss",
    "limits": {},
    "cost": {"false_positive": 1, "false_negative": 2},
    "unit": "euros",
}


def orders(days: int = DAYS, *, first: str = FIRST, seed: int = 0, turned: bool = False, strange: bool = False):
    """Return the orders of so many days, the newest last."""
    draw = np.random.default_rng(seed)
    n = days * A_DAY
    price = draw.uniform(0, 100, n).round(2)
    channel = draw.normal(8 if strange else 0, 1, n).round(3)
    signal = (price - 50) / 12 * (-1 if turned else 1)
    returned = (draw.uniform(size=n) < 1 / (1 + np.exp(-signal))).astype(int)
    day = pd.Timestamp(first) + pd.to_timedelta(np.arange(n) // A_DAY, unit="D")
    start = (pd.Timestamp(first) - pd.Timestamp(FIRST)).days * A_DAY
    return pd.DataFrame(
        {"day": day, "order": start + np.arange(n), "price": price, "channel": channel, "returned": returned}
    )


def declare(repository: Path, source: Path) -> None:
    """Make the shop's table the use case of a copy of the repository."""
    conf = repository / "conf"
    watched = {"kind": "file", "path": str(source), "watch": str(source)}
    (conf / "dataset/shop.yaml").write_text(yaml.safe_dump({**DATASET, "source": watched}, sort_keys=False))
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
