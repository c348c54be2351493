"""A billion rows a day on paper: bytes, cores and money, from what was measured at the largest size."""

from typing import Any

from benchmarks.report_parts import Row, Table
from benchmarks.scale_curves import SECONDS, cells_of, draw_curve, names_in

ROWS_A_DAY = 1_000_000_000
RUNS_A_DAY = 24
# Minutes after which a run of an hour's rows is to be through.
MINUTES = 30
EVERY_RUN = ("ingest", "validate", "features", "drift", "score")
ONCE_A_DAY = ("train", "evaluate", "gate", "package")
# A search fits so many candidates, where what was measured fits one.
TRIALS = 12
# List prices of a large provider, rounded, in dollars: an assumption, not an offer.
CORE_HOUR, GB_MONTH, REQUEST = 0.05, 0.023, 0.000005
# Days for which raw rows and scores are kept; what lies between is kept for one.
KEPT_DAYS = 30
KEPT = ("ingest", "score")
PART_BYTES = 64e6


def tabulate_plan(stages: dict[str, Any]) -> list[Table]:
    """Return the arithmetic for the quickest engine of each stage, or nothing where a stage was not measured."""
    found = {stage: _quickest(stages, stage) for stage in (*EVERY_RUN, *ONCE_A_DAY)}
    if not all(found.values()):
        return []
    rows = [_plan_rows(stage, each) for stage, each in found.items() if stage in EVERY_RUN and each]
    daily = [_plan_once(stage, each) for stage, each in found.items() if stage in ONCE_A_DAY and each]
    hours = sum(row["core-hours"] for row in [*rows, *daily])
    needed = sum(row["core-hours"] for row in rows) / RUNS_A_DAY / (MINUTES / 60)
    gigabytes = {row["stage"]: row["GB a day"] for row in rows}
    stored = sum(size * (KEPT_DAYS if stage in KEPT else 1) for stage, size in gigabytes.items())
    requests = sum(gigabytes.values()) * 1e9 / PART_BYTES
    bill = {
        "core-hours a day": hours,
        f"cores for a run in {MINUTES} minutes": needed,
        "computing, $ a day": hours * CORE_HOUR,
        "GB stored": stored,
        "storage, $ a day": stored * GB_MONTH / 30,
        "requests, $ a day": requests * REQUEST,
        "$ a day": hours * CORE_HOUR + stored * GB_MONTH / 30 + requests * REQUEST,
    }
    told = f"{ROWS_A_DAY:,} rows a day, {RUNS_A_DAY} runs of {ROWS_A_DAY // RUNS_A_DAY:,} rows"
    return [
        Table(f"On paper: {told}, from the largest size that was measured", rows),
        Table(f"On paper: once a day, on a sample, {TRIALS} trials", daily),
        Table("On paper: the bill", [bill]),
    ]


def _quickest(stages: dict[str, Any], stage: str) -> tuple[int, float, dict[str, Any], str] | None:
    found = []
    for engine in names_in(stages):
        cells = cells_of(stages, engine, stage)
        if (curve := draw_curve(cells, SECONDS)).rows:
            found.append((curve.rows[-1], curve.median[-1], cells[curve.rows[-1]], engine))
    largest = max((rows for rows, *_ in found), default=0)
    return min((each for each in found if each[0] == largest), key=lambda each: each[1], default=None)


def _plan_rows(stage: str, found: tuple[int, float, dict[str, Any], str]) -> Row:
    measured, seconds, cell, engine = found
    cores, wrote = cell["measured"]["cores"], cell.get("written_bytes", 0)
    return {
        "stage": stage,
        "engine": engine,
        "measured at": measured,
        "µs a row": seconds / measured * 1e6,
        "bytes a row": wrote / measured,
        "core-hours": seconds / measured * ROWS_A_DAY * cores / 3600,
        "GB a day": wrote / measured * ROWS_A_DAY / 1e9,
        f"minutes a run on {cores} cores": seconds / measured * ROWS_A_DAY / RUNS_A_DAY / 60,
    }


def _plan_once(stage: str, found: tuple[int, float, dict[str, Any], str]) -> Row:
    measured, seconds, cell, engine = found
    fits = 1 + TRIALS if stage == "train" else 1
    hours = fits * seconds * cell["measured"]["cores"] / 3600
    return {"stage": stage, "engine": engine, "measured at": measured, "seconds": fits * seconds, "core-hours": hours}
