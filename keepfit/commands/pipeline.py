"""The commands around `dvc repro`: compose the parameters, tell what a run did."""

from pathlib import Path
from typing import Annotated

import typer

from keepfit.commands.terminal import CONF, PARAMS, one_line_errors, say, show_lines
from keepfit.errors import KeepfitError

app = typer.Typer()
# What `make repro` runs the gate again for.
PENDING = 3


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
    """Show what the last run did; end with status 3 where an experiment's gate said promote, which none does itself."""
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
    if gate["decision"] == "promote" and not gate.get("replaced"):
        raise typer.Exit(PENDING)


@app.command()
def bento() -> None:
    """Say where the package of this use case is."""
    from keepfit.settings import load_settings

    with one_line_errors():
        say(f"models/{load_settings(PARAMS).dataset.name}/bento")
