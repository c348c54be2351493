"""Measure where the time of `dvc repro` goes on sp500: start-up, reading, work and writing of each stage, and DVC.

In a clone, from nothing each time: `make repro`, `dvc repro`, then each stage as that runs it, with a tracer in its
process, then once more without it, since it costs time as well. What the whole takes longer than its stages without a
tracer is DVC's own: its start, hashes, the cache and the lock.
"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from benchmarks import bench

RESULTS = bench.ROOT / "benchmarks" / "startup.json"
DATASET = "sp500"
KINDS = ("interpreter", "imports", "exit", "reading", "work", "writing")
# What the picture stacks, in the colours of Okabe and Ito.
PARTS = (
    ("start-up: Python, imports, exit", ("interpreter", "imports", "exit"), "#0072B2"),
    ("reading", ("reading",), "#E69F00"),
    ("work", ("work",), "#009E73"),
    ("writing", ("writing",), "#CC79A7"),
)


def trace_stage(stage: str, paths: list[str], folder: Path) -> dict[str, float]:
    """Return the seconds of each kind that a stage takes in a process of its own; the kinds add up to the whole."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
    out = folder / ".keepfit/trace.json"
    out.parent.mkdir(exist_ok=True)
    spawned = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "benchmarks.tracer", str(spawned), str(out), f"stages.{stage}", *paths],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    ended, told = time.monotonic(), json.loads(out.read_text())
    told["exit"] = ended - told.pop("ended")
    return {kind: told[kind] for kind in KINDS}


def trace_graph(folder: Path) -> dict[str, dict[str, float]]:
    """Return what each stage of the graph takes, in its order."""
    graph = yaml.safe_load((folder / "dvc.yaml").read_text())["stages"]
    return {
        stage: trace_stage(stage, found["cmd"].replace("${dataset.name}", DATASET).split()[3:], folder)
        for stage, found in graph.items()
    }


def time_stages(folder: Path) -> float:
    """Return the seconds that the stages take one after the other, each in a process of its own, without a tracer."""
    graph = yaml.safe_load((folder / "dvc.yaml").read_text())["stages"]
    commands = [found["cmd"].replace("${dataset.name}", DATASET).split() for found in graph.values()]
    return sum(bench.run([sys.executable, *command[1:]], folder) for command in commands)


def summarise(
    *, forked: list[float], whole: list[float], alone: list[float], rounds: list[dict[str, dict[str, float]]]
) -> dict[str, Any]:
    """Return medians, least and most of the graph, of its stages by kind, and of what DVC adds to them alone."""
    return {
        "make": spread(forked),
        "repro": spread(whole),
        "stages": {
            stage: {kind: spread([each[stage][kind] for each in rounds]) for kind in KINDS} for stage in rounds[0]
        },
        "dvc": spread([one - other for one, other in zip(whole, alone, strict=True)]),
    }


def spread(values: list[float]) -> dict[str, float]:
    """Return median, least and most."""
    found = {"median": statistics.median(values), "least": min(values), "most": max(values)}
    return {name: round(value, 4) for name, value in found.items()}


def draw(results: dict[str, Any], path: Path) -> None:
    """Write a PNG of stacked bars: seconds by kind for each stage, and what DVC adds."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 4.6), layout="constrained")
    names, left = list(results["stages"]), [0.0] * len(results["stages"])
    for title, kinds, colour in PARTS:
        seconds = [sum(found[kind]["median"] for kind in kinds) for found in results["stages"].values()]
        axes.barh(names, seconds, left=left, color=colour, edgecolor="white", label=title)
        left = [one + other for one, other in zip(left, seconds, strict=True)]
    own = results["dvc"]["median"]
    axes.barh(
        ["DVC itself"], [max(own, 0.0)], color="#999999", edgecolor="white", label="DVC: start, hashes, cache, lock"
    )
    for name, end in zip([*names, "DVC itself"], [*left, own], strict=True):
        axes.text(max(end, 0.0), name, f" {end:.2f} s", va="center", fontsize=8)
    axes.invert_yaxis()
    axes.set(xlabel="seconds, median of the rounds", xlim=(0, 1.12 * max(*left, own)))
    told = f"dvc repro takes {results['repro']['median']:.1f} s, make repro {results['make']['median']:.1f} s"
    axes.set_title(f"sp500 from nothing: {told}", fontsize=10)
    axes.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.45, -0.12), ncols=5)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    """Measure in rounds after one that is not counted, which compiles the clone's Python files; write and draw."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    repro, make = [sys.executable, "-m", "dvc", "repro"], ["make", "repro", f"VENV={sys.prefix}"]
    forked: list[float] = []
    whole: list[float] = []
    alone: list[float] = []
    traced: list[dict[str, dict[str, float]]] = []
    with TemporaryDirectory() as temporary:
        folder = Path(temporary, "keepfit")
        subprocess.run(["git", "clone", "--quiet", str(bench.ROOT), str(folder)], check=True)
        for _ in range(rounds + 1):
            bench.clear(folder)
            forked.append(bench.run(make, folder))
            bench.clear(folder)
            whole.append(bench.run(repro, folder))
            bench.clear(folder)
            traced.append(trace_graph(folder))
            alone.append(time_stages(folder))
    found = summarise(forked=forked[1:], whole=whole[1:], alone=alone[1:], rounds=traced[1:])
    results = {"measured": bench.stamp(), "rounds": rounds, **found}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    draw(results, RESULTS.with_suffix(".png"))
    for stage, kinds in results["stages"].items():
        print(f"{stage}: " + ", ".join(f"{kind} {found['median']:.2f}" for kind, found in kinds.items()))
    print(f"dvc repro: {results['repro']['median']:.1f} s, of which DVC itself {results['dvc']['median']:.1f} s")
    print(f"make repro: {results['make']['median']:.1f} s")


if __name__ == "__main__":
    main()
