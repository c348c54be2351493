"""The report's tables of the pipeline: the graph, its start-up, `init`, sweeps, turns of the loop and `score`."""

import statistics
from typing import Any

from benchmarks.report_parts import Table, Want, write_number, write_spread


def want_graph(found: dict[str, Any]) -> list[Want]:
    """Return what `make repro` and a run with nothing to do may cost."""
    pipeline, idle = found["sp500: make repro against one process"], found["no-op: dvc repro against dvc status"]
    peak = found["flights: dvc repro end to end"]["peak_gb"]
    return [
        Want("`make repro` of sp500 ≤ 1.5 × the same functions in one process", *_at_most(pipeline["ratio"], 1.5)),
        Want("a `dvc repro` with nothing to do ≤ 1.5 × `dvc status`", *_at_most(idle["ratio"], 1.5)),
        Want("`flights` end to end < 2.5 GB", f"{peak:.2f} GB", peak < 2.5),
    ]


def _at_most(ratio: float, limit: float) -> tuple[str, bool]:
    return f"{ratio:.2f}", ratio <= limit


def tabulate_graph(found: dict[str, Any]) -> list[Table]:
    """Return medians, spread and ratio of each pair of commands, and flights' time and memory."""
    compared = [
        {
            "compared": title,
            "seconds": each["one"],
            "spread": each["one_spread"],
            "against": each["other"],
            "its spread": each["other_spread"],
            "ratio": each["ratio"],
        }
        for title, each in found.items()
        if "ratio" in each
    ]
    flights = found["flights: dvc repro end to end"]
    return [
        Table("Medians; the spread is from the least to the most", compared),
        Table("flights, `dvc repro` from nothing", [{"seconds": flights["seconds"], "peak GB": flights["peak_gb"]}]),
    ]


def tabulate_startup(found: dict[str, Any]) -> list[Table]:
    """Return the seconds of each stage by kind."""
    stages = [
        {
            "stage": stage,
            "seconds": sum(each["median"] for each in kinds.values()),
            "start-up": sum(kinds[kind]["median"] for kind in ("interpreter", "imports", "exit")),
            "of it imports": kinds["imports"]["median"],
            **{kind: kinds[kind]["median"] for kind in ("reading", "work", "writing")},
        }
        for stage, kinds in found["stages"].items()
    ]
    titles = {"dvc repro": "repro", "DVC itself": "dvc", "make repro, stages as forks": "make"}
    whole = {title: write_spread(found[name]) for title, name in titles.items()}
    return [
        Table(f"Seconds of each stage in a process of its own, medians of {found['rounds']} rounds", stages),
        Table("The graph as a whole, in seconds, and what it takes beyond its stages", [whole]),
    ]


def want_init(found: dict[str, Any]) -> list[Want]:
    """Return what `keepfit init` may cost."""
    ratio = found["1,000,000 rows: keepfit init against pandas.read_csv"]["ratio"]
    return [Want("`keepfit init` on a million rows ≤ 3 × `pandas.read_csv`", *_at_most(ratio, 3.0))]


def tabulate_init(found: dict[str, Any]) -> list[Table]:
    """Return the seconds of both sides, and the memory."""
    rows = [
        {"rows": title.partition(" ")[0], "init, s": each["init"], "its spread": each["spread"]}
        | {"read_csv, s": each["read_csv"], "ratio": each["ratio"]}
        for title, each in found.items()
        if "ratio" in each
    ]
    memory = found["5,000,000 rows: memory"]
    return [
        Table("Medians", rows),
        Table("Memory, five million rows", [{"peak GB": memory["peak_gb"], "seconds": memory["seconds"]}]),
    ]


def want_sweep(found: dict[str, Any]) -> list[Want]:
    """Return what two trials at a time must bring."""
    ratio = found["ratio, median of the rounds"]
    return [Want("12 trials two at a time ≥ 1.6 × as fast as one at a time", f"{ratio:.2f}", ratio >= 1.6)]


def tabulate_sweep(found: dict[str, Any]) -> list[Table]:
    """Return the seconds of each round."""
    return [Table("Seconds, every round", found["rounds"])]


def tabulate_loop(found: dict[str, Any]) -> list[Table]:
    """Return the seconds of each step of a turn, medians of the rounds."""
    rows = []
    for turn in ("calm", "retrained"):
        taken = [each[turn] for each in found["rounds"]]
        steps = [step for step, value in taken[0].items() if isinstance(value, float)]
        rows.append({"turn": turn, **{step: statistics.median(each[step] for each in taken) for step in steps}})
    alone = statistics.median(each["training"] for each in found["rounds"])
    told = f"Seconds, medians of {len(found['rounds'])} rounds; `dvc repro` alone takes {alone:.0f} s"
    return [Table(f"{told}; load of the machine before: {write_number(found['load'])}", rows)]


def want_score(found: dict[str, Any]) -> list[Want]:
    """Return what scoring a file must be."""
    peak, difference, times = found["whole"]["peak_mb"], found["largest_difference"], found["whole"]["times_as_fast"]
    return [
        Want("ten million rows ≥ 4 × `predict_proba` on chunks of pandas", f"{times:.2f}", times >= 4.0),
        Want("the pipeline's own scores, bit for bit", f"largest difference {difference:g}", difference == 0),
        Want("ten million rows in less than 1 GB", f"{peak:,.0f} MB", peak < 1000),
    ]


def tabulate_score(found: dict[str, Any]) -> list[Table]:
    """Return both sides' speed, and the run over all rows."""
    ours = found["keepfit_seconds"]
    theirs = found["pandas_seconds_by_chunk"][str(found["pandas_chunk_rows"])]
    rows = [
        {"": name, "rows/s": speed, "seconds, every round": ", ".join(f"{each:.1f}" for each in seconds)}
        for name, speed, seconds in (
            ("keepfit score", found["keepfit_rows_per_s"], ours),
            ("predict_proba on chunks of pandas", found["pandas_rows_per_s"], theirs),
        )
    ]
    return [
        Table(f"{found['rows']:,} rows, start-up and all: {found['times_as_fast']} times as fast", rows),
        Table(f"All rows: {found['whole']['times_as_fast']} times as fast; Keepfit", [found["whole"]]),
    ]
