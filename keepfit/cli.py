"""The command line: what a person does beside `dvc repro`."""

import typer

import keepfit.arithmetic  # noqa: F401 - before NumPy loads, and for the processes that a command starts
from keepfit.commands import drift, experiments, init, pipeline, quarantine, replay

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Keep a deployed model fit.")
app.add_typer(pipeline.app)
app.add_typer(init.app)
app.add_typer(experiments.app)
app.add_typer(drift.app)
app.add_typer(replay.app)
app.add_typer(quarantine.app, name="quarantine")
