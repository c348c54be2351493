"""The report's tables of the measurements at size: stages by engine, and beside the peers."""

import statistics
from typing import Any

from benchmarks.report_parts import Row, Table, Want, write_number
from benchmarks.report_plan import tabulate_plan
from benchmarks.scale_curves import MEMORY, SECONDS, Curve, cells_of, draw_curve, names_in
from benchmarks.scale_pictures import LIMIT_GB
from benchmarks.scale_workspace import STAGES

BOUNDED = ("ingest", "validate", "features", "drift", "score")
LARGEST = 10_000_000


def want_scale(found: dict[str, Any]) -> list[Want]:
    """Return which stages must keep ten million rows under 4 GB, and that the peers' tables are the same."""
    stages = found.get("stages", {})
    wants = [_want_bounded(stages, engine) for engine in names_in(stages)]
    told = {name: cells_of(found.get("tables", {}), name) for name in names_in(found.get("tables", {}))}
    agree = {
        name: [cell["agreement"]["agrees"] for cell in cells.values() if "agreement" in cell]
        for name, cells in told.items()
    }
    if agree:
        wanted = "every contender sets the same rows aside and makes the same features, within 1e-9"
        differ = [name for name, each in agree.items() if not all(each)]
        wants.append(Want(wanted, f"{', '.join(differ)} differ" if differ else "they do, at each size", not differ))
    return wants


def _want_bounded(stages: dict[str, Any], engine: str) -> Want:
    peaks: dict[str, float | None] = {}
    for stage in BOUNDED:
        curve = draw_curve(cells_of({str(LARGEST): stages.get(str(LARGEST), {})}, engine, stage), MEMORY)
        peaks[stage] = curve.most[-1] if curve.rows else None
    wanted = f"`{engine}`: ten million rows through {', '.join(BOUNDED)} under {LIMIT_GB:g} GB"
    known = {stage: peak for stage, peak in peaks.items() if peak is not None}
    told = ", ".join(f"{stage} {peak:.2f}" for stage, peak in known.items())
    missing = [stage for stage in BOUNDED if stage not in known]
    told = "; ".join(filter(None, [told and f"{told} GB", missing and f"no figure yet: {', '.join(missing)}"]))
    return Want(wanted, told, not missing and all(peak < LIMIT_GB for peak in known.values()))


def tabulate_scale(found: dict[str, Any]) -> list[Table]:
    """Return a table for each size, one of the slopes, and one for each comparison."""
    stages = found.get("stages", {})
    tables = [
        Table(f"{int(rows):,} rows, each stage{_tell_busy(stages[rows])}", list(_stages_at(stages, rows)))
        for rows in sorted(stages, key=int)
    ]
    if stages:
        tables.append(Table("Slopes between the two largest sizes: the exponent of rows", list(_slopes(stages))))
    titles = {"tables": "Validate and features, side by side", "drift": "The drift check, side by side"}
    known = {part: title for part, title in titles.items() if part in found}
    tables += [Table(title + _tell_busy(found[part]), list(_peers(found[part]))) for part, title in known.items()]
    return tables + tabulate_plan(stages)


def _tell_busy(place: dict[str, Any]) -> str:
    """Return how busy others had the machine, where runs of a size or a part tell it."""
    runs = [run for cell in _cells(place) for run in cell["runs"] if "busy_before" in run]
    if not runs:
        return ""
    shares = [run["busy_before"] for run in runs]
    return f"; others had {statistics.median(shares):.0%} of the machine before a run, at most {max(shares):.0%}"


def _cells(place: dict[str, Any]) -> list[dict[str, Any]]:
    return [place] if "runs" in place else [cell for each in place.values() for cell in _cells(each)]


def _stages_at(stages: dict[str, Any], rows: str) -> Any:
    for stage in STAGES:
        row: dict[str, Any] = {"stage": stage}
        for engine in names_in({rows: stages[rows]}):
            row |= _tell_cell(stages[rows][engine].get(stage), int(rows), f"{engine}: ")
        yield row


def _tell_cell(cell: dict[str, Any] | None, rows: int, prefix: str) -> Row:
    names = [f"{prefix}{name}" for name in ("seconds", "rows/s", "peak GB")]
    if cell is None:
        return dict.fromkeys(names)
    if why := next((run["failed"] for run in cell["runs"] if "failed" in run), None):
        return dict(zip(names, (why, None, None), strict=True))
    time, memory = (draw_curve({rows: cell}, figure) for figure in (SECONDS, MEMORY))
    return dict(zip(names, (_tell(time), rows / time.median[0], memory.most[0]), strict=True))


def _tell(curve: Curve) -> str:
    median, least, most = (write_number(float(each[0])) for each in (curve.median, curve.least, curve.most))
    return median if least == most else f"{median} ({least} to {most})"


def _slopes(stages: dict[str, Any]) -> Any:
    for stage in STAGES:
        row: dict[str, Any] = {"stage": stage}
        for engine in names_in(stages):
            cells = cells_of(stages, engine, stage)
            row |= {f"{engine}: {name}": draw_curve(cells, figure).slope for name, figure in _FIGURES}
        yield row


_FIGURES = (("time", SECONDS), ("memory", MEMORY))


def _peers(part: dict[str, Any]) -> Any:
    for rows in sorted(part, key=int):
        for name, cell in part[rows].items():
            row = {"rows": int(rows), "contender": name, **_tell_cell(cell, int(rows), "")}
            agreement = cell.get("agreement")
            yield row | ({"set aside": agreement["set_aside"], "as Keepfit": agreement["agrees"]} if agreement else {})


def stamp_scale(found: dict[str, Any]) -> dict[str, Any]:
    """Return what the newest figure depends on."""
    stamps = [cell["measured"] for part in found.values() for cell in _cells(part)]
    return max(stamps, key=lambda stamp: stamp["date"], default={})
