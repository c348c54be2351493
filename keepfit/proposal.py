"""Proposal: how a new champion is told: the commit's message, and the text of the pull request."""

import json
from typing import Any

from keepfit.drift_summary import tell
from keepfit.repository import read_at, run_address
from keepfit.turn import Turn


def write_message(turn: Turn, gate: dict[str, Any]) -> str:
    """Return the commit's message: what was promoted and why, and in trailers the digest and the run."""
    champion, run = gate["champion"], run_address()
    trailers = [f"Keepfit-Champion: {champion['digest']}", *([f"Keepfit-Run: {run}"] if run else [])]
    subject = f"feat({turn.dataset}): champion {champion['version']}, learned up to {champion['trained_until'][:10]}"
    why = f"{turn.verdict}: {gate['why']}" if turn.verdict != "unchecked" else gate["why"]
    return "\n\n".join([subject, why, "\n".join(trailers)])


def write_proposal(turn: Turn, gate: dict[str, Any], metrics: dict[str, Any], report: Any, card: str) -> str:
    """Return the pull request's body: the metrics' difference, the evidence of drift, and the model card."""
    before = json.loads(read_at(turn.base, f"reports/{turn.dataset}/metrics.json") or "{}")
    run = run_address()
    parts = [
        f"The check said **{turn.verdict}** and a challenger was trained up to cut-off {turn.until or 'none'}. "
        f"The gate: {gate['why']}",
        "### Metrics on the holdout\n\n" + _difference(before, metrics, gate),
        "### Evidence of drift\n\n" + _evidence(report),
        "<details><summary>Model card</summary>\n\n" + card + "\n</details>",
        "Merging deploys it: the merge is tagged, and the tag is released.",
        f"[The run]({run})" if run else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _difference(before: dict[str, Any], now: dict[str, Any], gate: dict[str, Any]) -> str:
    old, new, rival = before.get("challenger", {}), now.get("challenger", {}), gate.get("champion_metrics") or {}
    lines = ["| metric | challenger | champion, same rows | last training |", "| --- | --: | --: | --: |"]
    for name, value in new.items():
        others = " | ".join(f"{each[name]:.4g}" if name in each else "" for each in (rival, old))
        lines.append(f"| {name} | {value:.4g} | {others} |")
    return "\n".join(lines)


def _evidence(report: dict[str, Any] | None) -> str:
    if not report:
        return "none: the run was forced, or made because the graph had changed"
    rows = [f"| {name.strip()} | {value.replace('|', '/')} |" for name, value in tell(report)]
    return "\n".join(["| | |", "| --- | --- |", *rows])
