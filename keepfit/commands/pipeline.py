"""The commands around `dvc repro`: compose the parameters, tell what a run did."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from keepfit.commands.terminal import CONF, PARAMS, one_line_errors, say, show_lines
from keepfit.errors import KeepfitError

app = typer.Typer()


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
def repro(
    dataset: Annotated[str | None, typer.Option(help="Make this the repository's use case.")] = None,
) -> None:
    """Compose params.yaml, run `dvc repro`, and show what it did."""
    params(check=False, dataset=dataset)
    _run_dvc("repro")
    if not _show_run():
        # The gate was run by an experiment, which promotes nothing itself.
        _run_dvc("repro", "--force", "--single-item", "gate")
        _run_dvc("repro")
        _show_run()


@app.command()
def summary() -> None:
    """Show what the last run did."""
    _show_run()


def _run_dvc(*arguments: str) -> None:
    from keepfit.forks import run_beside

    if status := run_beside([sys.executable, "-m", "dvc", *arguments]):
        raise typer.Exit(status)


def _show_run() -> bool:
    # Whether the gate has done what it decided.
    from keepfit.files import read_json
    from keepfit.settings import load_settings
    from keepfit.summary import summarise

    with one_line_errors():
        settings = load_settings(PARAMS)
        reports = Path("reports", settings.dataset.name)
        for name in ("ingest", "validation", "metrics", "gate"):
            if not (reports / f"{name}.json").exists():
                raise KeepfitError(f"{reports / name}.json: not there yet; `make repro` writes it")
        show_lines(summarise(settings, reports))
        gate = read_json(reports / "gate.json")
    return gate["decision"] != "promote" or bool(gate.get("replaced"))


@app.command()
def bento() -> None:
    """Say where the package of this use case is."""
    from keepfit.settings import load_settings

    with one_line_errors():
        say(f"models/{load_settings(PARAMS).dataset.name}/bento")
