"""Flight: a request's row as pydantic checks it, alike for each contender that uses pydantic."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Flight(BaseModel):
    """The raw columns that the champion needs of a flight, with the ranges of conf/dataset/flights.yaml."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    scheduled: datetime
    carrier: str
    origin: str
    dest: str
    distance: Annotated[float, Field(ge=50, le=6000)]
    hour: Annotated[int, Field(ge=5, le=23)]
    minute: Annotated[int, Field(ge=0, le=59)]
    weekday: Annotated[int, Field(ge=0, le=6)]
    sched_arr_time: Annotated[int, Field(ge=0, le=2400)]
    temp: Annotated[float, Field(ge=-40, le=120)] | None
    dewp: Annotated[float, Field(ge=-60, le=100)] | None
    humid: Annotated[float, Field(ge=0, le=100)] | None
    wind_dir: Annotated[float, Field(ge=0, le=360)] | None
    wind_speed: Annotated[float, Field(ge=0, le=120)] | None
    wind_gust: Annotated[float, Field(ge=0, le=150)] | None
    precip: Annotated[float, Field(ge=0, le=10)] | None
    pressure: Annotated[float, Field(ge=900, le=1100)] | None
    visib: Annotated[float, Field(ge=0, le=10)] | None
