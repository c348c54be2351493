"""The audit trail: show it, and verify that nothing in it was changed, removed or reordered."""

from typing import Annotated

import typer

from keepfit.commands.terminal import one_line_errors, say, show_table

app = typer.Typer(help="Read and verify the audit trail, reports/audit.jsonl.", no_args_is_help=True)


@app.command()
def verify() -> None:
    """Check the chain of the trail, and that it goes on from the one that each champion's tag and HEAD hold.

    Ends with status 1, naming the line, where one was changed, removed or reordered.
    """
    from keepfit.registry import tags
    from keepfit.repository import read_at
    from keepfit.trail import TRAIL, check_grown_from, parse_trail, read_trail

    with one_line_errors():
        entries = read_trail(TRAIL)
        older = {name: read_at(name, str(TRAIL)) for name in ("HEAD", *(tag for tag in tags() if "@" in tag))}
        known = {name: text for name, text in older.items() if text is not None}
        for name, text in known.items():
            check_grown_from(parse_trail(text, name=f"{name}:{TRAIL}"), entries, name=name)
        say(f"{TRAIL}: {len(entries)} entries, whole; compared with {', '.join(known) or 'no older copy'}")


@app.command()
def show(
    dataset: Annotated[str | None, typer.Option(help="The events of this dataset alone.")] = None,
    entries: Annotated[int, typer.Option(help="How many of the newest events to show.")] = 20,
) -> None:
    """Show the newest events: when, what, by whom, to what, why."""
    import pandas as pd

    from keepfit.trail import TRAIL, read_trail

    with one_line_errors():
        found = [each for each in read_trail(TRAIL) if dataset in (None, each.dataset)]
        if not found:
            say(f"{TRAIL}: nothing has happened yet")
            return
        rows = [
            {
                "at (UTC)": f"{each.at:%Y-%m-%d %H:%M}",
                "event": each.event,
                "dataset": each.dataset,
                "who": each.who,
                "commit": each.commit[:8],
                "what": ", ".join(f"{name} {digest[:8]}" for name, digest in each.digests.items()),
                "why": each.reason[:70],
            }
            for each in found[-entries:]
        ]
        show_table(pd.DataFrame(rows))
