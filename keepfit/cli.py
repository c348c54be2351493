"""The command line: what a person does beside `dvc repro`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from keepfit.errors import KeepfitError

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Keep a deployed model fit.")
quarantine = typer.Typer(help="List and replay the rows that `validate` set aside.", invoke_without_command=True)
app.add_typer(quarantine, name="quarantine")

PARAMS, CONF, REPAIRS = Path("params.yaml"), Path("conf"), Path("data/repairs")


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Show a KeepfitError as one line, and end with status 1."""
    try:
        yield
    except KeepfitError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        raise typer.Exit(1) from None


@app.command()
def params(
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether params.yaml is what conf/ composes.")
    ] = False,
    dataset: Annotated[str | None, typer.Option(help="Make this the repository's use case.")] = None,
) -> None:
    """Compose params.yaml from conf/."""
    from keepfit.compose import check_params, write_params

    with one_line_errors():
        if check:
            check_params(CONF, PARAMS)
        else:
            write_params(CONF, PARAMS, dataset=dataset)


@app.command()
def summary() -> None:
    """Show what the last run did."""
    from keepfit.settings import load_settings
    from keepfit.summary import summarise

    with one_line_errors():
        settings = load_settings(PARAMS)
        reports = Path("reports", settings.dataset.name)
        for name in ("ingest", "validation", "metrics", "gate"):
            if not (reports / f"{name}.json").exists():
                raise KeepfitError(f"{reports / name}.json: not there yet; `make repro` writes it")
        _show_lines(summarise(settings, reports))


@app.command()
def bento() -> None:
    """Say where the package of this use case is."""
    from keepfit.settings import load_settings

    with one_line_errors():
        _say(f"models/{load_settings(PARAMS).dataset.name}/bento")


@app.command()
def pending() -> None:
    """End with status 0 where an experiment's gate said promote, which experiments never do; else with 1."""
    from keepfit.files import read_json
    from keepfit.settings import load_settings

    with one_line_errors():
        name = load_settings(PARAMS).dataset.name
        said = read_json(Path("reports", name, "gate.json")) or {}
    raise typer.Exit(0 if said.get("decision") == "promote" and not said.get("replaced") else 1)


@quarantine.callback()
def list_quarantine(
    context: typer.Context,
    rows: Annotated[int, typer.Option(help="How many rows to show.")] = 20,
    export: Annotated[Path | None, typer.Option(help="Write the rows to this CSV, to be mended.")] = None,
) -> None:
    """List the rows that were set aside, with their reasons."""
    from keepfit.repairs import export_rows

    if context.invoked_subcommand is not None:
        return
    with one_line_errors():
        dataset, table = _quarantined()
        if export is not None:
            export.write_text(export_rows(table))
            _say(f"{len(table)} rows in {export}: mend them there, then `keepfit quarantine replay {export}`")
        elif table.empty:
            _say("no row is set aside")
        else:
            _show_table(_shorten(table.head(rows), dataset))
            _say(f"{min(rows, len(table))} of {len(table)} rows; `--rows` shows more, `--export FILE` writes them all")


@quarantine.command("replay")
def replay_quarantine(
    file: Annotated[
        Path | None, typer.Argument(help="A CSV of mended rows; the rows as they are where none is named.")
    ] = None,
) -> None:
    """Check the rows again: mended ones that pass take the place of the raw ones at the next `make repro`."""
    from keepfit.files import read_table
    from keepfit.progress import working
    from keepfit.repairs import add_repairs, read_changed, read_repairs
    from keepfit.validate import replay

    with one_line_errors():
        dataset, rows = _quarantined()
        repairs = REPAIRS / f"{dataset.name}.csv"
        if file is not None:
            rows = read_changed(file, rows, dataset)
        with working("validating"):
            raw = read_table(Path("data", dataset.name, "raw.parquet"))
            mended = None if file is None else rows
            passing, refused = replay(raw, read_repairs(repairs, dataset, beside=mended), rows, dataset)
        if not refused.empty:
            _show_table(_shorten(refused, dataset))
        if file is not None and not passing.empty:
            add_repairs(repairs, passing, dataset)
        _say(
            f"{len(passing)} of {len(rows)} {'' if file is None else 'changed '}rows pass the rules now; "
            "`make repro` takes them in"
        )


def _quarantined() -> tuple[Any, Any]:
    from keepfit.files import read_table
    from keepfit.settings import load_settings

    dataset = load_settings(PARAMS).dataset
    path = Path("data", dataset.name, "quarantine.parquet")
    if not path.exists():
        raise KeepfitError(f"{path}: not there yet; `make repro` writes it")
    return dataset, read_table(path)


def _shorten(table: Any, dataset: Any) -> Any:
    """Return the columns that say which row it is and what is wrong with it."""
    named = {name for name in dataset.columns if table["reasons"].str.contains(f"{name}:", regex=False).any()}
    wide = dict.fromkeys([dataset.time, *dataset.keys, *(name for name in table if name in named), "reasons"])
    return table[list(wide)]


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _show_lines(lines: list[tuple[str, str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in lines:
        table.add_row(name, value)
    Console().print(table, markup=False, highlight=False)


def _show_table(frame: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*map(str, frame.columns), box=None)
    for row in frame.astype(str).itertuples(index=False):
        table.add_row(*row)
    Console().print(table, markup=False, highlight=False)
