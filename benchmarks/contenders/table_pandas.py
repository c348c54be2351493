"""Validate and compute features of flights as one writes it in pandas: python table_pandas.py RAW.parquet OUT."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

KEYS = ["scheduled", "carrier", "flight", "origin"]
BOUNDS = {
    "flight": (1, None),
    "distance": (50, 6000),
    "hour": (5, 23),
    "minute": (0, 59),
    "weekday": (0, 6),
    "sched_arr_time": (0, 2400),
    "temp": (-40, 120),
    "dewp": (-60, 100),
    "humid": (0, 100),
    "wind_dir": (0, 360),
    "wind_speed": (0, 120),
    "wind_gust": (0, 150),
    "precip": (0, 10),
    "pressure": (900, 1100),
    "visib": (0, 10),
    "arr_delay": (-120, 1440),
}
REQUIRED = [*KEYS, "dest", "distance", "hour", "minute", "weekday", "sched_arr_time"]
AS_THEY_ARE = [
    *["carrier", "origin", "dest", "distance", "weekday"],
    *["temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib"],
]


def find_faults(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Return which rows break each rule."""
    faults = {f"{name}: missing": rows[name].isna() for name in REQUIRED}
    for name, (low, high) in BOUNDS.items():
        faults[f"{name}: infinite"] = pd.Series(np.isinf(rows[name]), index=rows.index)
        faults[f"{name}: below {low}"] = rows[name] < low
        if high is not None:
            faults[f"{name}: above {high}"] = rows[name] > high
    faults["origin: not an allowed value"] = ~rows.origin.isin(["EWR", "JFK", "LGA"]) & rows.origin.notna()
    faults["duplicate"] = rows.duplicated(KEYS)
    return faults


def compute(rows: pd.DataFrame) -> pd.DataFrame:
    """Return time, key, features and label."""
    arrival = 60 * (rows.sched_arr_time // 100) + rows.sched_arr_time % 100
    departure = 60 * rows.hour + rows.minute
    direction = np.deg2rad(rows.wind_dir)
    return rows[["scheduled", "flight", *AS_THEY_ARE]].assign(
        departure_minute=departure,
        scheduled_minutes=(arrival - departure) % 1440,
        gust=rows.wind_gust.where(rows.wind_gust.notna() | rows.wind_speed.isna(), 0.0),
        wind_east=rows.wind_speed * np.sin(direction),
        wind_north=rows.wind_speed * np.cos(direction),
        label=(rows.arr_delay > 30).astype(float).where(rows.arr_delay.notna()),
    )


def main() -> None:
    """Write `valid`, `quarantine` and `features`."""
    source, out = sys.argv[1], Path(sys.argv[2])
    rows = pd.read_parquet(source)
    faults = find_faults(rows)
    broken = np.logical_or.reduce([fault.to_numpy() for fault in faults.values()])
    aside = rows[broken]
    found = pd.DataFrame({reason: fault[broken] for reason, fault in faults.items()})
    reasons = found.apply(lambda row: "; ".join(found.columns[row]), axis=1)
    aside.assign(reasons=reasons).to_parquet(out / "quarantine.parquet", index=False)
    valid = rows[~broken].sort_values("scheduled", kind="stable")
    valid.to_parquet(out / "valid.parquet", index=False)
    compute(valid).to_parquet(out / "features.parquet", index=False)


if __name__ == "__main__":
    main()
