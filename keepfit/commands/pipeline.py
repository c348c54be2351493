"""The commands around `dvc repro`: compose the parameters, tell what a run did."""

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
        show_lines(summarise(settings, reports))


@app.command()
def bento() -> None:
    """Say where the package of this use case is."""
    from keepfit.settings import load_settings

    with one_line_errors():
        say(f"models/{load_settings(PARAMS).dataset.name}/bento")


@app.command()
def pending() -> None:
    """End with status 0 where an experiment's gate said promote, which experiments never do; else with 1."""
    from keepfit.files import read_json
    from keepfit.settings import load_settings

    with one_line_errors():
        name = load_settings(PARAMS).dataset.name
        said = read_json(Path("reports", name, "gate.json")) or {}
    raise typer.Exit(0 if said.get("decision") == "promote" and not said.get("replaced") else 1)
