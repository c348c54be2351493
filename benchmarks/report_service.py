"""The report's tables of the service: requests beside its peers, and the soak."""

from typing import Any

from benchmarks.report_parts import Table, Want, write_spread
from benchmarks.serve_contenders import CONTENDERS
from benchmarks.soak import GROWTH_MB

ECHO, START_S = 0.5, 5.0


def want_serve(found: dict[str, Any]) -> list[Want]:
    """Return what one worker must answer."""
    echo = found["ratios"]["requests/s at 16 clients, keepfit to echo"]
    return [Want("half of the requests a second of a bare echo, 16 clients", f"{echo:.2f}", echo >= ECHO)]


def tabulate_serve(found: dict[str, Any]) -> list[Table]:
    """Return requests, latency, processor time and memory of each contender, and the ratios."""
    rows = []
    for name, each in found["summary"].items():
        alone = {f"{key[:3]} ms, 1 client": each["1"][key]["median"] for key in ("p50_ms", "p99_ms")}
        rates = {f"requests/s, {clients}": write_spread(each[clients]["per_second"]) for clients in ("1", "16", "64")}
        rest = {"worker µs, 16": each["16"]["worker_us"]["median"], "MB": each["memory_mb"]["median"]}
        rows.append({"server": CONTENDERS[name].title, **rates, **alone, **rest, "start s": each["start_s"]["median"]})
    ratios = [{"ratio of the medians": name, "": ratio} for name, ratio in found["ratios"].items()]
    told = f"Medians of {len(found['rounds'])} rounds (least to most), requests a second by clients"
    return [Table(told, rows), Table("Keepfit to the others", ratios)]


def stamp_serve(found: dict[str, Any]) -> dict[str, Any]:
    """Return what the figures depend on: the service's own versions."""
    return {key: found[key] for key in ("date", "seed", "machine", "python")} | found["versions"]["keepfit"]


def want_start(found: dict[str, Any]) -> list[Want]:
    """Return when a service must answer."""
    start = found["median"]["seconds"]
    return [Want("the first 200 after 5 s", f"{start:.1f} s", start <= START_S)]


def tabulate_start(found: dict[str, Any]) -> list[Table]:
    """Return each start, and the share of the machine that was idle before it."""
    names = {"seconds": "seconds", "processor_s": "of processors", "worker_s": "of the worker", "idle": "idle before"}
    rows = [{title: each[name] for name, title in names.items()} for each in found["starts"]]
    return [Table(f"{len(rows)} starts, {found['calm']} of them on an idle machine", rows)]


def want_soak(found: dict[str, Any]) -> list[Want]:
    """Return what a soak must not show."""
    sizes = found["memory_mb"]
    fifth = max(len(sizes) // 5, 1)
    grown = max(sizes[-fifth:]) - max(sizes[fifth : 2 * fifth])
    return [
        Want("no prediction that was said to be logged is missing", f"{found['missing']}", found["missing"] == 0),
        Want(f"the worker's memory grows by at most {GROWTH_MB:g} MB", f"{grown:.1f} MB", grown <= GROWTH_MB),
        Want("no other answer than the expected one", f"{len(found['problems'])} problems", not found["problems"]),
    ]


def tabulate_soak(found: dict[str, Any]) -> list[Table]:
    """Return what was asked and answered."""
    names = ("minutes", "database", "capacity_per_second", "asked_per_second", "switches", "outages", "acknowledged")
    answers = [{"status": status, "answers": count} for status, count in found["statuses"].items()]
    return [Table("The run", [{name: found[name] for name in names}]), Table("Answers", answers)]
