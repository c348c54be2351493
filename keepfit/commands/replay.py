"""Replay: a dataset's history under each policy of conf/drift/."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keepfit.commands.terminal import CONF, PARAMS, one_line_errors, say, show_table

if TYPE_CHECKING:
    from keepfit.settings import Settings

app = typer.Typer()


@app.command()
def replay(
    start: Annotated[str, typer.Option("--from", help="When the first model begins to serve, such as 2004-01-01.")],
    step: Annotated[
        str | None,
        typer.Option(help="How much comes between two checks: rows, or a length of time; dataset.splits.batch."),
    ] = None,
    change: Annotated[list[str] | None, typer.Option(help="A day on which the world is known to have changed.")] = None,
    policy: Annotated[list[str] | None, typer.Option(help="Policies of conf/drift/; all where none is named.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes side by side; else one a core.")] = None,
    output: Annotated[Path | None, typer.Option(help="Where replay.json and replay.png go.")] = None,
) -> None:
    """Live a dataset's history again under each policy, and compare what they cost.

    How much of the gain of always retraining a policy keeps is told where `never` and `always` are among them.
    What has been trained is kept under models/NAME/.replay/: a replay that was cut off goes on where it stopped.
    """
    from keepfit.files import write_json
    from keepfit.progress import progress, working
    from keepfit.rehearsal import prepare, tell_stories, train_steps
    from keepfit.repairs import read_repairs
    from keepfit.replay import compare_stories, parse_step
    from keepfit.replay_picture import draw
    from keepfit.times import parse_moment

    with one_line_errors():
        settings = _settings()
        name, begin = settings.dataset.name, parse_moment(start)
        span = parse_step(str(settings.dataset.splits.batch) if step is None else step)
        changes = [parse_moment(each) for each in change or ()]
        repairs = read_repairs(Path("data/repairs", f"{name}.csv"), settings.dataset)
        policies = {
            each: _settings(each) for each in policy or sorted(path.stem for path in (CONF / "drift").glob("*.yaml"))
        }
        workers = jobs or os.cpu_count() or 1
        with working(f"reading {name}"):
            rehearsal = prepare(Path("models", name, ".replay"), settings, repairs, start=begin, step=span)
        with progress("training", len(rehearsal.segments)) as advance:
            train_steps(rehearsal, jobs=workers, advance=advance)
        with progress("checking", len(policies)) as advance:
            stories = tell_stories(rehearsal, policies, jobs=workers, advance=advance)
        seconds = [rehearsal.seconds(number) for number in range(len(rehearsal.segments))]
        rows = compare_stories(stories, rehearsal.segments, rehearsal.losses, training_seconds=seconds, changes=changes)
        folder = output or Path("reports", name)
        said = {
            "dataset": name,
            "from": start,
            "step": span,
            "steps": len(rehearsal.segments),
            "policies": rows,
            "stories": [story.model_dump(mode="json") for story in stories],
        }
        write_json(folder / "replay.json", said)
        draw(stories, folder / "replay.png", title=f"{name}: {settings.objective.metric} by policy", changes=changes)
        show_table(_shorten(rows))
        say(f"the whole of it: {folder / 'replay.json'}, {folder / 'replay.png'}")


def _settings(policy: str | None = None) -> "Settings":
    """Return the repository's settings, or those with another policy of conf/drift/."""
    import yaml

    from keepfit.compose import compose
    from keepfit.settings import check_settings, load_settings

    if policy is None:
        return load_settings(PARAMS)
    return check_settings(
        yaml.safe_load(compose(CONF, overrides=[f"drift={policy}"])), file=f"conf/drift/{policy}.yaml"
    )


def _shorten(rows: list[dict[str, Any]]) -> Any:
    import pandas as pd

    table = pd.DataFrame(rows)
    return pd.DataFrame(
        {
            "policy": table.policy,
            "mean loss": table.mean_loss.map("{:.4f}".format),
            "gain kept": table.gain_kept.map(lambda value: "" if pd.isna(value) else f"{value:.0%}"),
            "retrainings": table.retrainings,
            "of always": table.share_of_always.map("{:.0%}".format),
            "in vain": table.in_vain,
            "alarms": table.alarms,
            "days to alarm": table.days_to_alarm.map(
                lambda days: ", ".join("never" if each is None else f"{each:.0f}" for each in days.values())
            ),
            "seconds": table.seconds.map("{:.0f}".format),
        }
    )
