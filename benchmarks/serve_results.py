"""Results: medians and spread of the rounds, ratios, the table and the picture."""

import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.serve_contenders import CONTENDERS
from keepfit.replay_picture import COLOURS

# The idle share of the machine from which on a measurement counts.
CALM = 0.95
# Of each number of clients; `worker_us` and `all_us` are microseconds of processor time a request.
FIGURES = ("per_second", "p50_ms", "p99_ms", "worker_us", "all_us", "idle")


def add_round(results: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Return the results with one more round, and what all rounds say together."""
    rounds = [*results["rounds"], found]
    names = [name for name in CONTENDERS if any(name in each for each in rounds)]
    medians = {name: _summarise([each[name] for each in rounds if name in each], results["clients"]) for name in names}
    return {**results, "rounds": rounds, "summary": medians, "ratios": _compare(medians)}


def _summarise(found: list[dict[str, Any]], clients: list[int]) -> dict[str, Any]:
    summary = {key: _spread([each[key] for each in found]) for key in ("start_s", "memory_mb")}
    for count in map(str, clients):
        # What was measured while others used the machine says nothing, unless there is nothing else.
        calm = [each[count] for each in found if each[count]["idle"] >= CALM] or [each[count] for each in found]
        summary[count] = {"rounds": len(calm), **{key: _spread([each[key] for each in calm]) for key in FIGURES}}
    return summary


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values), 4), "least": min(values), "most": max(values)}


def _compare(medians: dict[str, Any]) -> dict[str, float]:
    if not {"keepfit", "echo"} <= set(medians):
        return {}
    ours, echo = medians["keepfit"], medians["echo"]
    ratios = {
        f"requests/s at 16 clients, keepfit to {name}": _divide(ours["16"], each["16"], "per_second")
        for name, each in medians.items()
        if name != "keepfit"
    }
    for key in ("p50_ms", "p99_ms"):
        ratios[f"{key} at 1 client, keepfit to echo"] = _divide(ours["1"], echo["1"], key)
    return ratios


def _divide(one: dict[str, Any], other: dict[str, Any], key: str) -> float:
    return round(one[key]["median"] / other[key]["median"], 3)


def show(results: dict[str, Any], picture: Path) -> None:
    """Print the table as Markdown and draw the picture."""
    sys.stdout.write(make_table(results))
    draw(results, picture)


def make_table(results: dict[str, Any]) -> str:
    """Return medians as a Markdown table, with the spread of the requests a second at 16 clients."""
    lines = [
        "| server | requests/s, 1 client "
        "| 16 clients (least to most) | 64 clients | p50 ms | p99 ms | worker µs, 16 clients | MB | start s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_make_line(CONTENDERS[name].title, found) for name, found in results["summary"].items()]
    lines += ["", *(f"- {name}: {ratio:g}" for name, ratio in results["ratios"].items()), ""]
    return "\n".join(lines)


def _make_line(title: str, found: dict[str, Any]) -> str:
    one, several, many = (found[count]["per_second"] for count in ("1", "16", "64"))
    alone = [f"{found['1'][key]['median']:.3g}" for key in ("p50_ms", "p99_ms")]
    spread = f"{several['median']:,.0f} ({several['least']:,.0f} to {several['most']:,.0f})"
    rest = [
        f"{found['16']['worker_us']['median']:,.0f}",
        f"{found['memory_mb']['median']:.0f}",
        f"{found['start_s']['median']:.1f}",
    ]
    cells = [title, f"{one['median']:,.0f}", spread, f"{many['median']:,.0f}", *alone, *rest]
    return f"| {' | '.join(cells)} |"


def draw(results: dict[str, Any], path: Path) -> None:
    """Write a PNG: requests a second by clients on the left, latency at one client on the right, both logarithmic."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    summary = results["summary"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), sharey=True, layout="constrained", width_ratios=(3, 2))
    for shift, (clients, colour, hatch) in enumerate(zip(("1", "16", "64"), COLOURS, ("", "//", ".."), strict=False)):
        _draw_rates(left, summary, clients, height=0.26, shift=shift, colour=colour, hatch=hatch)
    for key, marker, colour in (("p50_ms", "o", COLOURS[0]), ("p99_ms", "D", COLOURS[1])):
        values = [found["1"][key]["median"] for found in summary.values()]
        label = {"p50_ms": "median", "p99_ms": "99th percentile"}[key]
        right.scatter(values, range(len(values)), marker=marker, color=colour, s=45, label=label, zorder=3)
    _finish(left, "requests a second, one worker (log scale)", [CONTENDERS[name].title for name in summary])
    _finish(right, "latency at 1 client, milliseconds (log scale)", [CONTENDERS[name].title for name in summary])
    rounds = len(results["rounds"])
    figure.suptitle(
        f"One row of raw flights columns a request: medians of {rounds} rounds, {results['machine']}", fontsize=10
    )
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def _draw_rates(
    axes: Any, summary: dict[str, Any], clients: str, *, height: float, shift: int, colour: str, hatch: str
) -> None:
    found = [each[clients]["per_second"] for each in summary.values()]
    middle = [each["median"] for each in found]
    around = [[each["median"] - each["least"] for each in found], [each["most"] - each["median"] for each in found]]
    places = [place + (shift - 1) * height for place in range(len(found))]
    label = f"{clients} client{'s' if clients != '1' else ''}"
    axes.barh(places, middle, height, xerr=around, color=colour, hatch=hatch, edgecolor="white", label=label)
    for place, value in zip(places, middle, strict=True):
        axes.text(value * 1.2, place, f"{value:,.0f}", va="center", fontsize=7)


def _finish(axes: Any, title: str, names: list[str]) -> None:
    axes.set_xscale("log")
    axes.set_xlabel(title)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis() if not axes.yaxis_inverted() else None
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3)
    axes.spines[["top", "right"]].set_visible(False)
