"""The loop, a command a step: pull, retrain, publish, alert. A workflow runs them, and so does a person."""

from pathlib import Path
from typing import Annotated

import typer

from keepfit.commands.terminal import PARAMS, one_line_errors, say, show_lines
from keepfit.errors import KeepfitError

app = typer.Typer()


@app.command()
def pull() -> None:
    """Fetch the data and the champion from the DVC remote, every file checked against its hash."""
    from keepfit.bundle import read_champion
    from keepfit.files import read_json
    from keepfit.progress import working
    from keepfit.remote import pull as fetch
    from keepfit.settings import load_settings

    with one_line_errors():
        name = load_settings(PARAMS).dataset.name
        with working("fetching data and champion"):
            fetch()
            bundle = read_champion(Path("models", name, "champion"))
        recorded = ((read_json(Path("reports", name, "gate.json")) or {}).get("champion") or {}).get("digest")
        found = None if bundle is None else bundle.digest
        if found != recorded:
            raise KeepfitError(f"models/{name}/champion: digest {found}, but the gate recorded {recorded}")
        say(f"champion {bundle.passport.version if bundle else 'none yet'}, as recorded")


@app.command()
def retrain(
    until: Annotated[
        str | None, typer.Option(help="Move the cut-off here; else as far as retrain.advance says.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Train whatever the check says.")] = False,
    changed: Annotated[
        bool, typer.Option("--changed", help="Leave the cut-off, and train only where the graph has changed.")
    ] = False,
) -> None:
    """Check the newest rows, and train and judge a challenger where that is needed. Nothing is pushed.

    Ends with status 0 whatever the outcome, which outputs/turn.json holds, and with 1 where a step failed.
    """
    from keepfit.cutoff import parse_cutoff
    from keepfit.loop import catch_up, turn_round

    with one_line_errors():
        moment = parse_cutoff(until) if until else None
        turn = catch_up() if changed else turn_round(until=moment, force=force)
        show_lines([("outcome", turn.outcome), ("why", turn.why), ("champion", turn.champion or "as it was")])
        raise typer.Exit(1 if turn.outcome == "failed" else 0)


@app.command()
def publish(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be pushed, and push nothing.")] = False,
) -> None:
    """Push what `retrain` made: data, then commit and tags at once, or a pull request; else a line in the logbook.

    Only files that the turn made are committed or put back. Ends with status 1 where one of them was changed since,
    the remote refused, or another push came first; then nothing was published.
    """
    from keepfit.handover import hand_over
    from keepfit.settings import load_settings
    from keepfit.turn import TURN, read_turn
    from keepfit.worktree import refuse_edits

    with one_line_errors():
        settings, turn = load_settings(PARAMS), read_turn()
        if turn is None or turn.dataset != settings.dataset.name:
            raise KeepfitError(f"{TURN}: no turn of {settings.dataset.name} there; `keepfit retrain` makes one")
        refuse_edits(turn)
        if dry_run:
            say(f"dry run, nothing is pushed or put back; outcome: {turn.outcome}")
            return
        for line in hand_over(turn, settings):
            say(line)


@app.command()
def alert(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what the issue would be told.")] = False,
    failed: Annotated[str | None, typer.Option(help="The run failed before `retrain` could tell: why.")] = None,
) -> None:
    """Open, update or close the one issue of this dataset, by what the last turn did."""
    from keepfit.alert import mark, plan, title
    from keepfit.files import read_json
    from keepfit.forge import Forge
    from keepfit.settings import load_settings
    from keepfit.turn import begin, read_turn

    with one_line_errors():
        dataset = load_settings(PARAMS).dataset.name
        turn = read_turn() or begin(dataset).end("failed", failed or "the run ended before it could tell why")
        forge = None if dry_run else Forge.here()
        issue = forge.find_issue(mark(dataset)) if forge else None
        report = read_json(Path("outputs", "drift.json"))
        for step in plan(turn, report, seen=issue.body if issue else None):
            say(f"issue: {step.kind}" + (f"\n{step.text}" if forge is None else ""))
            if forge is None:
                continue
            if issue is None:
                forge.open_issue(title(turn), step.text)
            elif step.kind == "edit":
                forge.edit_issue(issue.number, title=title(turn), body=step.text)
            elif step.kind == "comment":
                forge.comment(issue.number, step.text)
            else:
                forge.edit_issue(issue.number, state="closed")


@app.command()
def register() -> None:
    """Give the newest champion its version where it has none, and push the tags at once.

    A champion that came with a merged pull request is not tagged before it is merged.
    """
    from keepfit.champions import list_reigns
    from keepfit.registry import register_and_push
    from keepfit.settings import load_settings

    with one_line_errors():
        reigns = list_reigns(load_settings(PARAMS).dataset.name)
        if not reigns or reigns[-1].release:
            say("nothing to register" if not reigns else f"{reigns[-1].version} is {reigns[-1].release} already")
            return
        newest = reigns[-1]
        tags = register_and_push(newest.commit, message=f"champion {newest.version}")
        say(f"pushed {', '.join(tags)}")


@app.command()
def turn() -> None:
    """Tell the last turn in Markdown, for a workflow's summary."""
    from keepfit.turn import read_turn

    last = read_turn()
    if last is None:
        say("### Keepfit\n\nno turn was made")
        return
    events = [f"| {each.event} | {each.reason.replace('|', '/')} |" for each in last.happenings]
    head = f"### Keepfit, {last.dataset}: {last.outcome}\n\n{last.why}\n"
    say("\n".join([head, "| event | |", "| --- | --- |", *events]))
