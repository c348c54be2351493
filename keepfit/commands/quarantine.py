"""The rows that `validate` set aside: list, export, replay."""

from pathlib import Path
from typing import Annotated, Any

import typer

from keepfit.commands.terminal import PARAMS, one_line_errors, say, show_table
from keepfit.errors import KeepfitError

app = typer.Typer(help="List and replay the rows that `validate` set aside.", invoke_without_command=True)

REPAIRS = Path("data/repairs")


@app.callback()
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
            say(f"{len(table)} rows in {export}: mend them there, then `keepfit quarantine replay {export}`")
        elif table.empty:
            say("no row is set aside")
        else:
            show_table(_shorten(table.head(rows), dataset))
            say(f"{min(rows, len(table))} of {len(table)} rows; `--rows` shows more, `--export FILE` writes them all")


@app.command("replay")
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
            show_table(_shorten(refused, dataset))
        if file is not None and not passing.empty:
            add_repairs(repairs, passing, dataset)
        say(
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
