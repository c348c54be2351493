"""Write benchmarks/README.md from the JSON results and the notes beside it: every figure of the project in one place.

`python -m benchmarks.report` also draws the pictures of `scale.json` anew. The text of a section is `notes/NAME.md`;
the tables, what was wanted and what the figures depend on come from `NAME.json`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import report_drift, report_pipeline, report_scale, report_service, scale_pictures
from benchmarks.report_parts import Table, Want, write_stamp, write_table, write_wants

FOLDER = Path(__file__).parent
Results = dict[str, Any]


def read_stamp(found: Results) -> dict[str, Any]:
    """Return what the figures of a file depend on, where it keeps that under one of the usual names."""
    machine = found.get("measured", found.get("machine", "not recorded"))
    stamp = machine if isinstance(machine, dict) else {"machine": machine}
    return {
        "date": found.get("date", "not recorded"),
        **stamp,
        **{key: found[key] for key in ("python",) if key in found},
    }


def want_nothing(found: Results) -> list[Want]:  # noqa: ARG001
    """Return no promise: the figures stand for themselves."""
    return []


@dataclass(frozen=True)
class Section:
    """A file of results and how it is shown."""

    name: str
    title: str
    command: str
    tabulate: Callable[[Results], list[Table]]
    want: Callable[[Results], list[Want]] = want_nothing
    stamp: Callable[[Results], dict[str, Any]] = read_stamp
    pictures: tuple[tuple[str, str], ...] = ()


SECTIONS = (
    Section("results", "The graph", "make bench", report_pipeline.tabulate_graph, report_pipeline.want_graph),
    Section(
        "startup",
        "Where the time of `make repro` goes",
        "make bench-startup",
        report_pipeline.tabulate_startup,
        pictures=(("startup.png", "Seconds of each stage: start-up, reading, work, writing, and DVC itself"),),
    ),
    Section(
        "scale",
        "From ten thousand rows to ten million",
        'make bench-scale ROWS="1e4 1e5 1e6" ENGINES="pandas dask"',
        report_scale.tabulate_scale,
        report_scale.want_scale,
        report_scale.stamp_scale,
        pictures=(
            ("scale_time.png", "Seconds of each stage against rows, by engine"),
            ("scale_memory.png", "Peak memory of each stage against rows, by engine"),
            ("scale_tables.png", "Validate and features: Keepfit beside pandas, Polars and DuckDB"),
            ("scale_drift.png", "The drift check: Keepfit beside alibi-detect and Evidently"),
        ),
    ),
    Section(
        "init", "`keepfit init`", "python -m benchmarks.init", report_pipeline.tabulate_init, report_pipeline.want_init
    ),
    Section(
        "sweep", "Sweeps", "python -m benchmarks.sweep", report_pipeline.tabulate_sweep, report_pipeline.want_sweep
    ),
    Section("loop", "A turn of the loop", "make bench-loop", report_pipeline.tabulate_loop),
    Section(
        "drift",
        "Drift",
        "make bench-drift",
        report_drift.tabulate_drift,
        report_drift.want_drift,
        report_drift.stamp_drift,
        pictures=(
            ("replay_sp500.png", "S&P 500 by policy: loss saved against never retraining, alarms and retrainings"),
            ("replay_flights.png", "Flights by policy: loss saved against never retraining, alarms and retrainings"),
        ),
    ),
    Section(
        "serve",
        "Serving",
        "make bench-serve",
        report_service.tabulate_serve,
        report_service.want_serve,
        report_service.stamp_serve,
        pictures=(("serve.png", "Requests a second and latency of each server"),),
    ),
    Section(
        "serve_start",
        "The service's start",
        "python -m benchmarks.serve_start",
        report_service.tabulate_start,
        report_service.want_start,
    ),
    Section("soak", "Soak", "make soak MINUTES=5", report_service.tabulate_soak, report_service.want_soak),
    Section("score", "`keepfit score`", "make bench-score", report_pipeline.tabulate_score, report_pipeline.want_score),
)


def render(folder: Path) -> str:
    """Return the report of the results, notes and pictures in a folder."""
    known = {section: folder / f"{section.name}.json" for section in SECTIONS}
    found = {section: json.loads(path.read_text()) for section, path in known.items() if path.exists()}
    wants = [(section, want) for section, results in found.items() for want in section.want(results)]
    missed = [
        f"- [{section.title}](#{anchor(section.title)}): {want.wanted}: {want.found}"
        for section, want in wants
        if not want.reached
    ]
    parts = [
        _note(folder, "intro"),
        f"{len(wants) - len(missed)} of {len(wants)} figures that were wanted are reached. Not reached:",
        "\n".join(missed) or "- none",
        *(_render_section(section, results, folder) for section, results in found.items()),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _render_section(section: Section, found: Results, folder: Path) -> str:
    wants = section.want(found)
    parts = [f"## {section.title}", _note(folder, section.name), wants and write_wants(wants)]
    parts += [f"![{title}]({name})" for name, title in section.pictures if (folder / name).exists()]
    parts += [f"**{table.caption}**\n\n{write_table(table.rows)}" for table in section.tabulate(found)]
    stamp = write_stamp(section.stamp(found))
    parts.append(f"Anew: `{section.command}`; [`{section.name}.json`]({section.name}.json). Measured: {stamp}.")
    return "\n\n".join(filter(None, parts))


def anchor(title: str) -> str:
    """Return the fragment by which GitHub links to a title."""
    kept = "".join(each for each in title.lower() if each.isalnum() or each in " -_")
    return kept.replace(" ", "-")


def _note(folder: Path, name: str) -> str:
    path = folder / f"notes/{name}.md"
    return path.read_text().strip() if path.exists() else ""


def main() -> None:
    """Draw and write."""
    scale = FOLDER / "scale.json"
    if scale.exists():
        scale_pictures.draw_all(json.loads(scale.read_text()), FOLDER)
    (FOLDER / "README.md").write_text(render(FOLDER))


if __name__ == "__main__":
    main()
