"""Experiments: compare them, sweep over a declared set of them, and adopt a winner."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keepfit.commands.terminal import CONF, PARAMS, one_line_errors, say, show_lines, show_table
from keepfit.errors import KeepfitError

if TYPE_CHECKING:
    import pandas as pd

    from keepfit.settings import Settings
    from keepfit.sweep import Trial
    from keepfit.trialqueue import TrialQueue

app = typer.Typer()


@app.command()
def experiments() -> None:
    """List the experiments on this commit, with the columns that matter first."""
    import pandas as pd
    from dvc.repo import Repo

    from keepfit.experiments import describe, git, list_experiments, take_snapshot
    from keepfit.trialqueue import TrialQueue

    with one_line_errors():
        base = git("rev-parse", "HEAD").strip()
        rows = [{**describe(take_snapshot("HEAD")), "state": "this commit"}]
        rows += [{**describe(take_snapshot(name), base=base), "state": "done"} for name in list_experiments(base)]
        with Repo() as repo:
            queue = TrialQueue(repo, base)
            waiting = {name: state for name, state in queue.states().items() if state != "done" and name}
            rows += [
                {"name": name, "state": f"{state} {queue.why_failed(name) if state == 'failed' else ''}".strip()}
                for name, state in waiting.items()
            ]
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
    from dvc.repo import Repo

    from keepfit.settings import load_settings
    from keepfit.sweep import read_plan
    from keepfit.trialqueue import TrialQueue

    with one_line_errors():
        settings = load_settings(PARAMS)
        chosen = name or _own_or_models(settings.dataset.name)
        trials = read_plan(CONF / "sweep" / f"{chosen}.yaml").trials(chosen)
        base = _require_committed()
        with Repo() as repo:
            _prepare_data(repo)
            queue = TrialQueue(repo, base)
            failed = _run(queue, trials, jobs=jobs)
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


def _prepare_data(repo: Any) -> None:
    # What all trials share is made once, before they start.
    from keepfit.progress import working
    from keepfit.trialqueue import quiet

    with working("making data and features, once for all trials"), quiet():
        repo.reproduce(targets=["features"])
    _require_committed()


def _run(queue: "TrialQueue", trials: "list[Trial]", *, jobs: int) -> dict[str, str]:
    from keepfit.progress import progress

    names = [trial.name for trial in trials]
    queue.recover()
    states, failed = queue.states(), {}
    for trial in trials:
        if states.get(trial.name) in (None, "failed"):
            try:
                queue.put(trial.name, trial.overrides)
            except KeepfitError as error:
                failed[trial.name] = str(error)
    with progress("trials", len(names)) as advance:
        seen: set[str] = set()

        def tell(states: dict[str, str]) -> None:
            for each in names:
                if states.get(each) in ("done", "failed") and each not in seen:
                    seen.add(each)
                    advance()

        queue.run(names, jobs=jobs, tell=tell)
    states = queue.states()
    return failed | {name: queue.why_failed(name) for name in names if states.get(name) not in ("done", None)}


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
            "what": ranking.what,
            f"{metric} on the folds": [f"{each:.4g}" for each in ranking.loss],
            "interval": [f"{low:.4g} to {high:.4g}" for low, high in zip(ranking.low, ranking.high, strict=True)],
            "behind": [f"{each:+.4f}" for each in ranking.behind],
            "of which sure": [
                f"{low:+.4f} to {high:+.4f}" for low, high in zip(ranking.behind_low, ranking.behind_high, strict=True)
            ],
            "difference": ranking.difference,
            "cost": [f"{each:.4g}" for each in ranking.cost],
            "fit s": ["" if pd.isna(each) else f"{each:.1f}" for each in ranking.fit_seconds],
        }
    )
