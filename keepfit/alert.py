"""Alert: the one open issue of a dataset: when it is opened, what it says, and when it is closed."""

from typing import Any, Literal

from keepfit.drift_summary import tell
from keepfit.section import Section
from keepfit.turn import Turn

QUIET = ("calm", "promoted")
HEADS = {
    "alert": "the newest rows differ",
    "fix-data": "the data is broken",
    "rejected": "a retraining was needed, and its challenger was rejected",
    "proposed": "a new champion waits to be merged",
    "pinned": "a retraining is needed, and the champion is pinned",
    "failed": "the run failed",
    "lost": "a new champion was not published",
}


class Step(Section):
    """One thing to do to the issue."""

    kind: Literal["open", "edit", "comment", "close"]
    text: str = ""


def mark(dataset: str) -> str:
    """Return what tells this dataset's issue from others; it is not seen on the page."""
    return f"<!-- keepfit:alert:{dataset} -->"


def title(turn: Turn) -> str:
    """Return the issue's title."""
    return f"Keepfit, {turn.dataset}: {HEADS.get(turn.outcome, turn.outcome)}"


def plan(turn: Turn, report: dict[str, Any] | None, *, seen: str | None) -> list[Step]:
    """Return what to do, given the body of the open issue, None where there is none.

    The same news again changes the body, and makes no comment.
    """
    news = _news(turn)
    if turn.outcome == "proposed" and seen is None:
        return []
    if turn.outcome in QUIET:
        return [] if seen is None else [Step(kind="comment", text=_goodbye(turn)), Step(kind="close")]
    body = "\n\n".join([mark(turn.dataset), f"<!-- {news} -->", *_tell(turn, report)])
    if seen is None:
        return [Step(kind="open", text=body)]
    told = [] if f"<!-- {news} -->" in seen else [Step(kind="comment", text="\n\n".join(_tell(turn, None)))]
    return [Step(kind="edit", text=body), *told]


def _news(turn: Turn) -> str:
    challenger = next((each.digests.get("challenger", "") for each in turn.happenings if each.event == "gate"), "")
    return " ".join(filter(None, [turn.outcome, turn.verdict, challenger[:12]]))


def _tell(turn: Turn, report: dict[str, Any] | None) -> list[str]:
    run = next((each.run for each in turn.happenings if each.run), None)
    facts = [f"**{turn.outcome}** at cut-off {turn.until or 'none'}, commit `{turn.base[:12]}`. {turn.why}"]
    if report is not None:
        lines = [f"| {name.strip()} | {_cell(value)} |" for name, value in tell(report)]
        facts.append("\n".join(["| check | |", "| --- | --- |", *lines]))
    if turn.outcome == "pinned":
        facts.append("`keepfit unpin` lets the loop replace the champion again.")
    return [*facts, *([f"[The run]({run})"] if run else [])]


def _goodbye(turn: Turn) -> str:
    if turn.outcome == "promoted":
        return f"A new champion took over: {turn.champion}. {turn.why}"
    return f"The check at cut-off {turn.until or 'none'} is calm: {turn.why}"


def _cell(value: str) -> str:
    return value.replace("|", "\\|").replace("\n", " ")
