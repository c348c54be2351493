"""The command line: what a person does beside `dvc repro`."""

import typer

import keepfit.arithmetic  # noqa: F401 - before NumPy loads, and for the processes that a command starts
from keepfit.collector import collect_seldom
from keepfit.commands import (
    audit,
    champion,
    drift,
    experiments,
    init,
    keys,
    log,
    loop,
    pipeline,
    quarantine,
    release,
    replay,
    rollout,
    score,
    serve,
    shadow,
)

collect_seldom()
app = typer.Typer(no_args_is_help=True, add_completion=False, help="Keep a deployed model fit.")
app.add_typer(pipeline.app)
app.add_typer(init.app)
app.add_typer(experiments.app)
app.add_typer(drift.app)
app.add_typer(replay.app)
app.add_typer(loop.app)
app.add_typer(score.app)
app.add_typer(champion.app)
app.add_typer(serve.app)
app.add_typer(keys.app, name="keys")
app.add_typer(log.app, name="log")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(audit.app, name="audit")
app.add_typer(shadow.app, name="shadow")
release.app.add_typer(rollout.app)
app.add_typer(release.app, name="release")
