"""Validate and compute features of flights as one writes it for DuckDB: python table_duckdb.py RAW.parquet OUT."""

import sys
from pathlib import Path

import duckdb

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
REQUIRED = [
    "scheduled",
    "carrier",
    "flight",
    "origin",
    "dest",
    "distance",
    "hour",
    "minute",
    "weekday",
    "sched_arr_time",
]
FEATURES = """
select scheduled, flight, carrier, origin, dest, distance, weekday, temp, dewp, humid, wind_speed, precip, pressure,
    visib,
    60 * hour + minute as departure_minute,
    (60 * (sched_arr_time // 100) + sched_arr_time % 100 - 60 * hour - minute + 1440) % 1440 as scheduled_minutes,
    case when wind_gust is null and wind_speed is not null then 0.0 else wind_gust end as gust,
    wind_speed * sin(radians(wind_dir)) as wind_east,
    wind_speed * cos(radians(wind_dir)) as wind_north,
    (arr_delay > 30)::double as label
from valid
"""


def find_faults() -> str:
    """Return the SQL of the reasons, null where a row keeps every rule."""
    faults = [f"case when {name} is null then '{name}: missing' end" for name in REQUIRED]
    for name, (low, high) in BOUNDS.items():
        faults.append(f"case when isinf({name}::double) then '{name}: infinite' end")
        faults.append(f"case when {name} < {low} then '{name}: below {low}' end")
        if high is not None:
            faults.append(f"case when {name} > {high} then '{name}: above {high}' end")
    faults.append("case when origin not in ('EWR', 'JFK', 'LGA') then 'origin: not an allowed value' end")
    faults.append("case when place > 1 then 'duplicate' end")
    return f"nullif(concat_ws('; ', {', '.join(faults)}), '')"


def main() -> None:
    """Write `valid`, `quarantine` and `features`."""
    source, out = sys.argv[1], Path(sys.argv[2])
    database = duckdb.connect()
    database.execute("set TimeZone = 'UTC'")
    numbered = (
        "select *, row_number() over "
        "(partition by scheduled, carrier, flight, origin order by file_row_number) as place "
        f"from read_parquet('{source}', file_row_number = true)"
    )
    dropped = "exclude (place, file_row_number, reasons)"
    database.execute(f"create table checked as select *, {find_faults()} as reasons from ({numbered})")
    kept = f"select * {dropped} from checked where reasons is null order by scheduled, file_row_number"
    database.execute(f"create table valid as {kept}")
    aside = "select * exclude (place, file_row_number) from checked where reasons is not null order by file_row_number"
    for name, query in {"quarantine": aside, "valid": "from valid", "features": FEATURES}.items():
        database.execute(f"copy ({query}) to '{out}/{name}.parquet' (format parquet, compression snappy)")


if __name__ == "__main__":
    main()
