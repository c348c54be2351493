"""Pictures of time and memory against rows, both logarithmic, with the slope in each legend."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.scale_curves import MEMORY, SECONDS, Curve, cells_of, draw_curve, names_in
from benchmarks.scale_workspace import STAGES
from keepfit.replay_picture import COLOURS

MARKERS = "osD^vPX"
UNITS = {SECONDS: "seconds", MEMORY: "peak memory, GB"}
LIMIT_GB = 4.0


def draw_all(results: dict[str, Any], folder: Path) -> list[str]:
    """Write a picture a part that was measured, and return their names."""
    written = []
    if stages := results.get("stages"):
        for figure, name in ((SECONDS, "scale_time.png"), (MEMORY, "scale_memory.png")):
            draw_stages(stages, figure, folder / name)
            written.append(name)
    titles = {"tables": "Validate and features beside their peers", "drift": "The drift check beside its peers"}
    for part, title in titles.items():
        if part in results:
            draw_peers(results[part], title, folder / f"scale_{part}.png")
            written.append(f"scale_{part}.png")
    return written


def draw_stages(part: dict[str, Any], figure: str, path: Path) -> None:
    """Write a PNG of small multiples: a panel a stage, a line an engine."""
    plt = _pyplot()
    sheet, panels = plt.subplots(3, 3, figsize=(11, 9), sharex=True, sharey=True, layout="constrained")
    for stage, axes in zip(STAGES, panels.flat, strict=True):
        lines = {engine: draw_curve(cells_of(part, engine, stage), figure) for engine in names_in(part)}
        _draw_lines(axes, lines)
        if figure == MEMORY:
            axes.axhline(LIMIT_GB, color="#999999", linestyle="--", linewidth=0.8)
        axes.set_title(stage, fontsize=10)
    _label(panels[:, 0], panels[-1], UNITS[figure])
    kind = "Time" if figure == SECONDS else "Peak memory of all processes (dashed: 4 GB)"
    sheet.suptitle(f"{kind} of each stage against rows of grown flights; slope between the two largest sizes")
    _save(sheet, path)


def draw_peers(part: dict[str, Any], title: str, path: Path) -> None:
    """Write a PNG with time on the left and memory on the right, a line a contender."""
    plt = _pyplot()
    sheet, panels = plt.subplots(1, 2, figsize=(11, 4.8), layout="constrained")
    for figure, axes in zip((SECONDS, MEMORY), panels, strict=True):
        _draw_lines(axes, {name: draw_curve(cells_of(part, name), figure) for name in names_in(part)})
        _label([axes], [axes], UNITS[figure])
    sheet.suptitle(f"{title}, against rows of grown flights; slope between the two largest sizes")
    _save(sheet, path)


def _draw_lines(axes: Any, lines: Mapping[str, Curve]) -> None:
    for (name, curve), colour, marker in zip(lines.items(), COLOURS, MARKERS, strict=False):
        if not curve.rows:
            continue
        label = name if curve.slope is None else f"{name}: slope {curve.slope:.2f}"
        axes.fill_between(curve.rows, curve.least, curve.most, color=colour, alpha=0.15, linewidth=0)
        axes.plot(curve.rows, curve.median, marker=marker, markersize=5, color=colour, label=label)
    axes.set(xscale="log", yscale="log")
    # Room for the legend above the lines.
    axes.margins(y=0.35)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8, loc="upper left")


def _label(left: Any, bottom: Any, unit: str) -> None:
    for axes in left:
        axes.set_ylabel(unit)
    for axes in bottom:
        axes.set_xlabel("rows")


def _pyplot() -> Any:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    return plt


def _save(sheet: Any, path: Path) -> None:
    sheet.savefig(path, dpi=100, metadata={"Software": None})
    _pyplot().close(sheet)
