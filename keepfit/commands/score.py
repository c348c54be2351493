"""Score a file: raw rows in, scores out, by the packaged champion."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keepfit.commands.terminal import PARAMS, one_line_errors, say

if TYPE_CHECKING:
    from keepfit.computing import DaskEngine
    from keepfit.scoring.champion import Champion
    from keepfit.scoring.job import Job

app = typer.Typer()


@app.command()
def score(
    files: Annotated[list[str], typer.Argument(help="CSV or Parquet files or globs of raw rows, and last the output.")],
    keep: Annotated[list[str] | None, typer.Option(help="A column of the input that the output has, too.")] = None,
    champion: Annotated[
        Path | None, typer.Option(help="The folder of a packaged champion; that of this repository else.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="How many threads score; one a core else.")] = None,
) -> None:
    """Score the rows of files, larger than memory too.

    Rows that cannot be scored go to OUT.quarantine with their reasons. Stopped, it goes on where it was.
    """
    from keepfit.errors import ScoringError
    from keepfit.scoring.chunks import find_files
    from keepfit.scoring.job import Job

    with one_line_errors():
        if len(files) < 2:
            raise ScoringError("two names are needed: keepfit score IN OUT")
        *patterns, out = files
        found, job = find_files(patterns), Job(Path(out))
        job.refuse(found)
        with job.locked():
            _score(found, job, _find_champion(champion), tuple(keep or ()), threads or os.cpu_count() or 1)


def _score(files: list[Path], job: "Job", folder: Path, keep: tuple[str, ...], threads: int) -> None:
    from keepfit.engine import start_engine
    from keepfit.progress import counting_rows
    from keepfit.scoring.champion import load_champion
    from keepfit.scoring.chunks import count_rows
    from keepfit.scoring.run import make_order, run
    from keepfit.scoring.spread import spread

    loaded = load_champion(folder)
    order = make_order(loaded, files, keep)
    done = job.begin(order)
    rows = sum(mark.rows for mark in done.values())
    if done:
        say(f"going on after {rows:,} rows that an earlier run had scored")
    with counting_rows("scoring", sum(map(count_rows, files)), rows) as advance:
        if workers := _find_workers(loaded):
            with start_engine(workers) as engine:
                marks = spread(folder, job, order, done, engine=engine, advance=advance)
        else:
            marks = run(loaded, job, order, done, threads=threads, advance=advance)
    _report(job.out, job.quarantine, marks, loaded)


def _find_champion(folder: Path | None) -> Path:
    from keepfit.package import CHAMPION
    from keepfit.settings import load_settings

    return folder or Path("models", load_settings(PARAMS).dataset.name, "bento") / CHAMPION


def _find_workers(loaded: "Champion") -> "DaskEngine | None":
    """Return the engine that `params.yaml` names, where it has workers and no row looks back on others."""
    from keepfit.computing import DaskEngine
    from keepfit.settings import load_settings

    if not PARAMS.exists() or loaded.bundle.passport.request.look_back:
        return None
    engine = load_settings(PARAMS).engine
    return engine if isinstance(engine, DaskEngine) else None


def _report(out: Path, quarantine: Path, marks: list, loaded: "Champion") -> None:
    scored, aside, history = (
        sum(getattr(mark, name) for mark in marks) for name in ("scored", "quarantined", "history")
    )
    how = "compiled" if loaded.scorer.compiled else f"scikit-learn ({loaded.scorer.why})"
    say(f"{scored:,} rows scored by {loaded.bundle.passport.version}, {how}: {out}")
    if history:
        say(f"{history:,} rows were history only")
    if aside:
        say(f"{aside:,} rows set aside: {quarantine}")
