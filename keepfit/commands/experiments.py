"""Experiments: compare them, sweep over a declared set of them, and adopt a winner."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keepfit.commands.terminal import CONF, PARAMS, one_line_errors, say, show_lines, show_table
from keepfit.errors import KeepfitError

if TYPE_CHECKING:
    import pandas as pd

    from keepfit.settings import Settings
    from keepfit.sweep import Trial

app = typer.Typer()


@app.command()
def experiments() -> None:
    """List the experiments on this commit, with the columns that matter first."""
    import pandas as pd

    from keepfit.experiments import describe, git, list_experiments, take_snapshot
    from keepfit.trials import Logs, list_queued

    with one_line_errors():
        base = git("rev-parse", "HEAD").strip()
        done, logs = list_experiments(base), Logs.of(base)
        rows = [{**describe(take_snapshot("HEAD")), "state": "this commit"}]
        rows += [{**describe(take_snapshot(name), base=base), "state": "done"} for name in done]
        states = list_queued(base) | {name: f"failed: {logs.why(name)}" for name in logs.names()}
        rows += [{"name": name, "state": state} for name, state in states.items() if name not in done]
        show_table(pd.DataFrame(rows).fillna(""))


@app.command()
def compare(
    revisions: Annotated[list[str], typer.Argument(help="Commits, tags or experiments.")],
) -> None:
    """Show metrics, parameters, features and passports of revisions side by side."""
    import pandas as pd

    from keepfit.experiments import take_snapshot
    from keepfit.side_by_side import lay_out

    with one_line_errors():
        shots = [take_snapshot(name) for name in dict.fromkeys(revisions)]
        rows = lay_out(shots)
        show_table(pd.DataFrame([{"": name, **values} for name, values in rows]).fillna(""))


@app.command()
def adopt(experiment: Annotated[str, typer.Argument(help="The experiment whose choices conf/ shall have.")]) -> None:
    """Write what an experiment changed back to conf/ and params.yaml, so that the next `make repro` trains it."""
    from keepfit.adopt import adopt as write_back
    from keepfit.compose import write_params
    from keepfit.experiments import read_params, resolve

    with one_line_errors():
        commit = resolve(experiment)
        before, after = read_params(f"{commit}^"), read_params(commit)
        changed = write_back(CONF, before, after)
        write_params(CONF, PARAMS, dataset=None)
        show_lines([("changed", str(file)) for file in changed] or [("changed", "nothing: conf/ says so already")])
        say("`make repro` trains it, and the gate decides; `git diff conf` shows what changed")


@app.command()
def sweep(
    name: Annotated[str | None, typer.Argument(help="A file of conf/sweep/; the dataset's own by default.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Trials side by side.")] = 2,
) -> None:
    """Run the trials of a declared comparison that are not done yet, and rank them on the same folds."""
    from keepfit.settings import load_settings
    from keepfit.sweep import read_plan

    with one_line_errors():
        settings = load_settings(PARAMS)
        chosen = name or _own_or_models(settings.dataset.name)
        trials = read_plan(CONF / "sweep" / f"{chosen}.yaml").trials(chosen)
        base = _require_committed()
        _prepare_data()
        failed = _run(trials, base, jobs=jobs)
        _report(trials, failed, settings, chosen, base)
    raise typer.Exit(1 if failed else 0)


def _own_or_models(dataset: str) -> str:
    return dataset if (CONF / "sweep" / f"{dataset}.yaml").exists() else "models"


def _require_committed() -> str:
    from keepfit.experiments import git

    changed = [line[3:] for line in git("status", "--porcelain", "--untracked-files=no").splitlines()]
    untracked = git("ls-files", "--others", "--exclude-standard", "conf", "features", "keepfit").split()
    if changed or untracked:
        raise KeepfitError(
            f"not committed: {', '.join([*changed, *untracked][:5])}; trials run on a commit, so that they can be "
            "compared and come back: commit or stash first"
        )
    return git("rev-parse", "HEAD").strip()


def _prepare_data() -> None:
    # What all trials share is made once, before they start.
    from keepfit.progress import working

    with working("making data and features, once for all trials"):
        made = subprocess.run(
            [sys.executable, "-m", "dvc", "repro", "features"], capture_output=True, text=True, check=False
        )
    if made.returncode:
        raise KeepfitError(f"`dvc repro features` failed:\n{made.stdout}{made.stderr}".rstrip())
    _require_committed()


def _run(trials: "list[Trial]", base: str, *, jobs: int) -> dict[str, str]:
    from keepfit.experiments import list_experiments
    from keepfit.progress import progress
    from keepfit.trials import Logs, run_trials

    done, logs = list_experiments(base), Logs.of(base)
    waiting = [trial for trial in trials if trial.name not in done]
    if len(waiting) < len(trials):
        say(f"{len(trials) - len(waiting)} of {len(trials)} trials are done already")
    try:
        with progress("trials", len(waiting)) as advance:
            run_trials(waiting, jobs=jobs, logs=logs, tell=advance)
    except KeyboardInterrupt:
        raise KeepfitError("stopped; the same command goes on where it was") from None
    done = list_experiments(base)
    return {trial.name: logs.why(trial.name) for trial in waiting if trial.name not in done}


def _report(trials: "list[Trial]", failed: dict[str, str], settings: "Settings", sweep: str, base: str) -> None:
    import pandas as pd

    from keepfit.experiments import take_snapshot
    from keepfit.files import replacing
    from keepfit.ranking_chart import draw_ranking
    from keepfit.sweep import rank

    what = {trial.name: trial.what for trial in trials}
    shots = {name: take_snapshot(name) for name in what if name not in failed}
    if shots:
        ranking = rank({name: shot.reference for name, shot in shots.items()}, settings)
        ranking["what"] = ranking.trial.map(what)
        ranking["cost"] = [shots[name].passport["metrics"]["folds"]["cost"] for name in ranking.trial]
        ranking["fit_seconds"] = [shots[name].fit_seconds for name in ranking.trial]
        folder = Path("reports", settings.dataset.name, "sweep")
        with replacing(folder / f"{sweep}.csv") as partial:
            ranking.assign(base=base).to_csv(partial, index=False)
        title = f"{len(ranking)} trials on {settings.dataset.name}, conf/sweep/{sweep}.yaml"
        draw_ranking(ranking, folder / f"{sweep}.png", metric=settings.objective.metric, title=title)
        show_table(_shorten(ranking, settings.objective.metric))
        say(f"picture: {folder / f'{sweep}.png'}   `keepfit adopt {ranking.trial[0]}` writes the first one to conf/")
    if failed:
        show_table(pd.DataFrame([{"failed": name, "what": what[name], "why": why} for name, why in failed.items()]))


def _shorten(ranking: "pd.DataFrame", metric: str) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(
        {
            "trial": ranking.trial,
            f"{metric} on the folds": [
                f"{each.loss:.4g} ({each.low:.4g} to {each.high:.4g})" for each in ranking.itertuples()
            ],
            "behind the first": [
                f"{each.behind:+.4f} ({each.behind_low:+.4f} to {each.behind_high:+.4f})"
                for each in ranking.itertuples()
            ],
            "difference": ranking.difference,
            "cost": [f"{each:.4g}" for each in ranking.cost],
            "fit s": ["" if pd.isna(each) else f"{each:.1f}" for each in ranking.fit_seconds],
        }
    )
