"""The report's tables of the drift check: replays, calm rows, power and speed."""

from typing import Any

from benchmarks.drift import GAIN, SHARE
from benchmarks.report_parts import Table, Want


def want_drift(found: dict[str, Any]) -> list[Want]:
    """Return what the drift check promises."""
    return [*_want_replays(found["replay"]["found"]), *_want_calm(found), *_want_speed(found["speed"]["found"])]


def _want_replays(found: dict[str, Any]) -> list[Want]:
    wants = []
    for dataset, each in found.items():
        ours = next(row for row in each["policies"] if row["policy"] == "calibrated")
        told = f"{ours['gain_kept']:.1%} with {ours['share_of_always']:.1%}"
        wanted = f"{dataset}: ≥ {GAIN:.0%} of the gain of retraining always with ≤ {SHARE:.0%} of its retrainings"
        wants.append(Want(wanted, told, each["reached"]))
    return wants


def _want_calm(found: dict[str, Any]) -> list[Want]:
    return [
        Want(
            f"calm rows: `{row['alarm']}` in at most {row['chance']:.1%} of windows",
            f"{row['share']:.1%} ({row['interval'][0]:.1%} to {row['interval'][1]:.1%})",
            row["within"],
        )
        for row in found["calm"]["found"]
    ]


def _want_speed(found: dict[str, Any]) -> list[Want]:
    wants = []
    for backend in ("scipy", "alibi-detect"):
        each = found[backend]
        told = f"{each['check']['seconds']:.1f} s of {each['allowed']['seconds']:.1f}"
        wanted = f"checking {found['flights']:,} flights by `{backend}` ≤ 1.5 × loading them + 2 s"
        wants.append(Want(wanted, told, each["reached"]))
    return wants


def tabulate_drift(found: dict[str, Any]) -> list[Table]:
    """Return a table a part."""
    replays = [
        {"dataset": dataset, **{key: value for key, value in row.items() if not isinstance(value, dict)}}
        for dataset, each in found["replay"]["found"].items()
        for row in each["policies"]
    ]
    calm = [{key: value for key, value in row.items() if not isinstance(value, list)} for row in found["calm"]["found"]]
    speed = [
        {"backend": backend}
        | {f"{step}, s": found["speed"]["found"][backend][step]["seconds"] for step in ("load", "check", "allowed")}
        for backend in ("scipy", "alibi-detect")
    ]
    return [
        Table(f"Replays ({found['replay']['measured']['date']})", replays),
        Table(f"Calm rows ({found['calm']['measured']['date']})", calm),
        Table(f"Power ({found['power']['measured']['date']})", found["power"]["found"]),
        Table(f"Speed, medians of three processes ({found['speed']['measured']['date']})", speed),
    ]


def stamp_drift(found: dict[str, Any]) -> dict[str, Any]:
    """Return what the newest part depends on."""
    return max((each["measured"] for each in found.values()), key=lambda stamp: stamp["date"])
