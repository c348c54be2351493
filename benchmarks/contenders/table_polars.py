"""Validate and compute features of flights as one writes it in Polars: python table_polars.py RAW.parquet OUT."""

import math
import sys
from pathlib import Path

import polars as pl

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


def find_faults() -> list[pl.Expr]:
    """Return an expression a rule: the reason where a row breaks it, null elsewhere."""
    faults = [pl.when(pl.col(name).is_null()).then(pl.lit(f"{name}: missing")) for name in REQUIRED]
    for name, (low, high) in BOUNDS.items():
        column = pl.col(name)
        faults.append(pl.when(column.cast(pl.Float64).is_infinite()).then(pl.lit(f"{name}: infinite")))
        faults.append(pl.when(column < low).then(pl.lit(f"{name}: below {low}")))
        if high is not None:
            faults.append(pl.when(column > high).then(pl.lit(f"{name}: above {high}")))
    allowed = pl.col("origin").is_in(["EWR", "JFK", "LGA"])
    faults.append(pl.when(~allowed).then(pl.lit("origin: not an allowed value")))
    faults.append(pl.when(~pl.struct(KEYS).is_first_distinct()).then(pl.lit("duplicate")))
    return faults


def compute() -> list[pl.Expr]:
    """Return the expressions of the features and the label."""
    col = pl.col
    arrival = 60 * (col("sched_arr_time") // 100) + col("sched_arr_time") % 100
    departure = 60 * col("hour") + col("minute")
    direction = col("wind_dir") * (math.pi / 180)
    gust = pl.when(col("wind_gust").is_null() & col("wind_speed").is_not_null()).then(0.0).otherwise(col("wind_gust"))
    return [
        departure.alias("departure_minute"),
        ((arrival - departure) % 1440).alias("scheduled_minutes"),
        gust.alias("gust"),
        (col("wind_speed") * direction.sin()).alias("wind_east"),
        (col("wind_speed") * direction.cos()).alias("wind_north"),
        (col("arr_delay") > 30).cast(pl.Float64).alias("label"),
    ]


def main() -> None:
    """Write `valid`, `quarantine` and `features` from one lazy query."""
    source, out = sys.argv[1], Path(sys.argv[2])
    checked = pl.scan_parquet(source).with_columns(
        pl.concat_str(find_faults(), separator="; ", ignore_nulls=True).alias("reasons")
    )
    aside = checked.filter(pl.col("reasons") != "")
    valid = checked.filter(pl.col("reasons") == "").drop("reasons").sort("scheduled", maintain_order=True)
    features = valid.select("scheduled", "flight", *AS_THEY_ARE, *compute())
    tables = {"quarantine": aside, "valid": valid, "features": features}
    pl.collect_all([table.sink_parquet(out / f"{name}.parquet", lazy=True) for name, table in tables.items()])


if __name__ == "__main__":
    main()
