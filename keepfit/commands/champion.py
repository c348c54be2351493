"""The champion by hand: promote, roll back, pin, and its history."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keepfit.commands.terminal import PARAMS, one_line_errors, say, show_table
from keepfit.errors import ChampionMissing, KeepfitError

if TYPE_CHECKING:
    import pandas as pd

    from keepfit.champions import Reign
    from keepfit.settings import Settings

app = typer.Typer()
Reason = Annotated[str, typer.Option(help="Why; it goes into the audit trail.")]
Push = Annotated[bool, typer.Option("--push", help="Push data, commit and tags at once, too.")]


@app.command()
def promote(
    reason: Reason,
    push: Push = False,
    override: Annotated[bool, typer.Option("--override", help="Even where the gate refused it.")] = False,
) -> None:
    """Make the challenger the champion: one that an experiment's gate passed, or with --override any."""
    from keepfit.bundle import read_bundle
    from keepfit.files import read_json
    from keepfit.handmade import commit_by_hand, promote_by_hand

    with one_line_errors():
        settings = _settings()
        name = settings.dataset.name
        gate = read_json(Path("reports", name, "gate.json")) or {}
        challenger = read_bundle(Path("models", name, "challenger"))
        if (gate.get("challenger") or {}).get("digest") != challenger.digest:
            raise KeepfitError(f"models/{name}/challenger was not judged by the gate; `make repro` does that")
        if (gate.get("champion") or {}).get("digest") == challenger.digest:
            raise KeepfitError(f"{challenger.passport.version} is the champion already")
        if gate["decision"] != "promote" and not override:
            raise KeepfitError(f"the gate refused it: {gate['why']}; --override promotes it all the same")
        promote_by_hand(challenger, name, why=reason)
        for line in commit_by_hand("promote", settings, reason, push=push):
            say(line)


@app.command()
def rollback(
    reason: Reason,
    revision: Annotated[
        str | None,
        typer.Argument(help="A version, tag, digest or commit of an earlier champion; the one before, where none."),
    ] = None,
    push: Push = False,
) -> None:
    """Go back to an earlier champion, and pin it, so that no run replaces it before `keepfit unpin`."""
    from keepfit.champions import find_reign
    from keepfit.handmade import commit_by_hand
    from keepfit.progress import working
    from keepfit.rollback import roll_back

    with one_line_errors():
        settings = _settings()
        reign = find_reign(settings.dataset.name, revision)
        with working(f"going back to {reign.version}"):
            roll_back(reign, settings.dataset.name, why=reason)
        for line in commit_by_hand("rollback", settings, reason, push=push):
            say(line)
        say(f"champion {reign.version} of {reign.at[:10]} is back, and pinned")


@app.command()
def pin(reason: Reason, push: Push = False) -> None:
    """Let nothing replace today's champion until `keepfit unpin`."""
    from keepfit.bundle import read_champion
    from keepfit.handmade import commit_by_hand
    from keepfit.rollback import set_pin

    with one_line_errors():
        settings = _settings()
        folder = Path("models", settings.dataset.name, "champion")
        bundle = read_champion(folder)
        if bundle is None:
            raise ChampionMissing(f"{folder}: no champion there to pin; `keepfit pull` fetches it")
        set_pin(bundle.passport.version)
        for line in commit_by_hand("pin", settings, reason, push=push):
            say(line)


@app.command()
def unpin(reason: Reason, push: Push = False) -> None:
    """Let the loop replace the champion again."""
    from keepfit.handmade import commit_by_hand
    from keepfit.rollback import set_pin

    with one_line_errors():
        settings = _settings()
        if settings.gate.pinned is None:
            raise KeepfitError("gate.pinned is null: no champion is pinned")
        set_pin(None)
        for line in commit_by_hand("unpin", settings, reason, push=push):
            say(line)


@app.command()
def history(
    newest: Annotated[bool, typer.Option(help="Measure every champion on the newest rows as well.")] = True,
) -> None:
    """Show every champion: when it came, why, by which run, its metrics then, and on the newest rows."""
    from keepfit.champions import list_reigns
    from keepfit.settings import load_settings

    with one_line_errors():
        settings = load_settings(PARAMS)
        reigns = list_reigns(settings.dataset.name)
        if not reigns:
            say(f"{settings.dataset.name} has had no champion yet")
            return
        now = _standings(reigns, settings) if newest else [""] * len(reigns)
        show_table(_lay_out(reigns, now, settings.objective.metric))


def _settings() -> "Settings":
    from keepfit.settings import load_settings
    from keepfit.worktree import refuse_changes

    settings = load_settings(PARAMS)
    refuse_changes(settings.dataset.name)
    return settings


def _standings(reigns: "list[Reign]", settings: "Settings") -> list[str]:
    from keepfit.files import read_table
    from keepfit.progress import progress
    from keepfit.standing import measure_standing, newest_rows

    table = Path("data", settings.dataset.name, "features.parquet")
    if not table.exists():
        raise KeepfitError(f"{table}: not there; `keepfit pull` fetches it, --no-newest does without")
    rows, metric = newest_rows(read_table(table), settings), settings.objective.metric
    first, last = rows.times.iloc[[0, -1]]
    say(f"newest: {len(rows.labels):,} labelled rows from {first} to {last}")
    told = []
    with progress("measuring", len(reigns)) as advance:
        for reign in reigns:
            found = measure_standing(reign, rows, settings)
            told.append(f"{found.metrics[metric]:.4g}" if found.metrics else found.why[:40])
            advance()
    return told


def _lay_out(reigns: "list[Reign]", now: list[str], metric: str) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(
        {
            "since": [each.at[:16].replace("T", " ") for each in reigns],
            "release": [each.release or "" for each in reigns],
            "version": [each.version for each in reigns],
            "learned up to": [each.trained_until[:10] for each in reigns],
            f"{metric} then": [f"{each.metrics[metric]:.4g}" if metric in each.metrics else "" for each in reigns],
            "on the newest": now,
            "commit": [each.commit[:8] for each in reigns],
            "run": [(each.run or "").rpartition("/")[2] for each in reigns],
            "why": [each.why[:60] for each in reigns],
        }
    )
