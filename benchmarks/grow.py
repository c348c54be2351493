"""Grow the flights to any number of rows, seeded, in Parquet parts, with their structure and their drift kept.

`python -m benchmarks.grow 1000000 data/grown --declare` also writes `conf/dataset/flights_grown.yaml` and its
objective, so that `make repro DATASET=flights_grown` takes the grown table through the graph.

Each day of 2013 gets its share of the rows. A day's flights are each taken as often as it goes in, whole, with their
own weather, minute and delay, and the rest is drawn without putting back: shares, correlations, hours, weekdays,
seasons and what drifts over the months are those of the original up to one flight a day. The copies of a flight
differ in the flight number, 10,000 apart, so keys stay unique. The file's order is kept as loosely as in the
original, which is not sorted by the scheduled time either.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from features.flights import load
from keepfit.files import hash_file, replacing, write_json, write_table

ROOT = Path(__file__).parents[1]
SEED = 20190101
# Above every flight number of the original.
APART = 10_000
# How far a copy may move in the file, in rows of the original: with it as many steps go back in time as there.
LOOSE = 8.0
PART_ROWS = 500_000
# What a bad row has: the original has one, a distance below the 50 miles that are allowed.
FAULTS: tuple[tuple[str, Any], ...] = (("distance", 17), ("temp", 999.0), ("origin", "PHL"))
NAME = "flights_grown"


def grow(flights: pd.DataFrame, rows: int, *, seed: int = SEED, bad: float = 0.0) -> Iterator[pd.DataFrame]:
    """Yield the grown rows of each day, `rows` in all, in the order of `flights` (raw, as `load` gives them).

    `bad` is the share of rows that break a rule beside the original's own: a value that is not allowed, or a key that
    the row before has already.
    """
    days = pd.factorize(flights.scheduled.dt.tz_convert("America/New_York").dt.date)[0]
    ends = np.flatnonzero(np.diff(days, append=-1)) + 1
    until = ends * rows // len(flights)
    for day, (end, size) in enumerate(zip(ends, np.diff(until, prepend=0), strict=True)):
        start = ends[day - 1] if day else 0
        yield _grow_day(flights.iloc[start:end], int(size), np.random.default_rng([seed, day]), bad)


def _grow_day(day: pd.DataFrame, size: int, generator: np.random.Generator, bad: float) -> pd.DataFrame:
    times, rest = divmod(size, len(day))
    drawn = generator.choice(len(day), rest, replace=False)
    copies = np.full(len(day), times) + np.bincount(drawn, minlength=len(day))
    places = np.repeat(np.arange(len(day)), copies)
    numbers = np.arange(size) - np.repeat(np.cumsum(copies) - copies, copies)
    if size > len(day):
        order = np.argsort(places + generator.uniform(0, LOOSE, size), kind="stable")
        places, numbers = places[order], numbers[order]
    return _spoil(places, numbers, day, generator, bad)


def _spoil(
    places: np.ndarray, numbers: np.ndarray, day: pd.DataFrame, generator: np.random.Generator, bad: float
) -> pd.DataFrame:
    broken = np.flatnonzero(generator.random(len(places)) < bad)
    kinds = generator.integers(0, len(FAULTS) + 1, len(broken))
    repeated = broken[(kinds == len(FAULTS)) & (broken > 0)]
    places[repeated], numbers[repeated] = places[repeated - 1], numbers[repeated - 1]
    grown = day.iloc[places].reset_index(drop=True)
    grown["flight"] += APART * numbers
    for kind, (name, value) in enumerate(FAULTS):
        grown.loc[broken[kinds == kind], name] = value
    return grown


def write_parts(
    flights: pd.DataFrame, folder: Path, *, rows: int, seed: int = SEED, bad: float = 0.0, part_rows: int = PART_ROWS
) -> dict[str, Any]:
    """Write the grown flights as `part-NNNNN.parquet` of whole days, and return what `grown.json` tells of them.

    No more than a part is held in memory. The same arguments give the same bytes.
    """
    with replacing(folder) as partial:
        partial.mkdir()
        for number, part in enumerate(_gather(grow(flights, rows, seed=seed, bad=bad), part_rows)):
            write_table(partial / f"part-{number:05d}.parquet", part)
        hashes = {part.name: hash_file(part) for part in sorted(partial.glob("*.parquet"))}
        told = {"rows": rows, "seed": seed, "bad": bad, "parts": hashes}
        write_json(partial / "grown.json", told)
    return told


def _gather(days: Iterator[pd.DataFrame], part_rows: int) -> Iterator[pd.DataFrame]:
    held: list[pd.DataFrame] = []
    for day in days:
        if held and sum(map(len, held)) + len(day) > part_rows:
            yield pd.concat(held, ignore_index=True)
            held = []
        held.append(day)
    yield pd.concat(held, ignore_index=True)


def declare_source(folder: Path) -> dict[str, str]:
    """Return `dataset.source` of parts that `write_parts` has made."""
    return {"kind": "file", "path": f"{folder}/part-*.parquet", "watch": f"{folder}/grown.json"}


def declare(folder: Path, conf: Path) -> None:
    """Write the dataset `flights_grown` and its objective into `conf`: those of flights, from the parts in `folder`."""
    dataset = yaml.safe_load((conf / "dataset/flights.yaml").read_text())
    dataset |= {"name": NAME, "source": declare_source(folder)}
    text = (
        f"# Flights grown by benchmarks/grow.py: see {folder}/grown.json.\n{yaml.safe_dump(dataset, sort_keys=False)}"
    )
    (conf / f"dataset/{NAME}.yaml").write_text(text)
    (conf / f"objective/{NAME}.yaml").write_text((conf / "objective/flights.yaml").read_text())


def main() -> None:
    """Grow, and declare the dataset where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grow", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rows", type=int, help="how many rows, such as 1000000")
    parser.add_argument("folder", type=Path, help="where the parts go, such as data/grown; replaced where it is there")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--bad", type=float, default=0.0, help="share of rows that break a rule beside the original's")
    parser.add_argument("--part-rows", type=int, default=PART_ROWS, help="a part has no more, but for one whole day")
    parser.add_argument("--declare", action="store_true", help=f"write conf/dataset/{NAME}.yaml and its objective")
    asked = parser.parse_args()
    told = write_parts(load(), asked.folder, rows=asked.rows, seed=asked.seed, bad=asked.bad, part_rows=asked.part_rows)
    if asked.declare:
        declare(asked.folder, ROOT / "conf")
    print(f"{told['rows']:,} rows in {len(told['parts'])} parts: {asked.folder}")


if __name__ == "__main__":
    main()
