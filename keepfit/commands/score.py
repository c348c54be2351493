"""Score a file: raw rows in, scores out, by the packaged champion."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keepfit.commands.terminal import PARAMS, one_line_errors, say

if TYPE_CHECKING:
    from keepfit.scoring.run import Champion

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
    from keepfit.progress import counting_rows
    from keepfit.scoring.chunks import count_rows, find_files
    from keepfit.scoring.job import Job
    from keepfit.scoring.run import make_order, run

    with one_line_errors():
        if len(files) < 2:
            raise ScoringError("two names are needed: keepfit score IN OUT")
        *patterns, out = files
        found, job = find_files(patterns), Job(Path(out))
        if Path(out).resolve() in {file.resolve() for file in found}:
            raise ScoringError(f"{out}: is one of the inputs")
        loaded = _load(champion)
        order = make_order(loaded, found, tuple(keep or ()))
        done = job.begin(order)
        rows = sum(mark.rows for mark in done.values())
        if done:
            say(f"going on after {rows:,} rows that an earlier run had scored")
        with counting_rows("scoring", sum(map(count_rows, found)), rows) as advance:
            marks = run(loaded, job, order, done, threads=threads or os.cpu_count() or 1, advance=advance)
        _report(job.out, job.quarantine, marks, loaded)


def _load(folder: Path | None) -> "Champion":
    from keepfit.bundle import MODEL, SCHEMA, read_bundle
    from keepfit.compiled.scorer import load_scorer
    from keepfit.package import CHAMPION
    from keepfit.scoring.run import Champion
    from keepfit.servable import read_servable
    from keepfit.settings import load_settings

    if folder is None:
        folder = Path("models", load_settings(PARAMS).dataset.name, "bento") / CHAMPION
    servable = read_servable(folder)
    bundle = read_bundle(folder, only=(MODEL, SCHEMA))
    return Champion(bundle, load_scorer(bundle, servable))


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
