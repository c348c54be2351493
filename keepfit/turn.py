"""Turn: one turn of the loop, as it is told to the steps that publish it, raise the alert and write the summary."""

from pathlib import Path
from typing import Any, Literal

from keepfit.files import read_json, write_json
from keepfit.repository import git, run_address, who
from keepfit.section import Section
from keepfit.trail import Event, Happening

TURN = Path("outputs/turn.json")
Outcome = Literal["calm", "alert", "fix-data", "promoted", "proposed", "rejected", "pinned", "failed", "lost"]
BY_ACTION: dict[str, Outcome] = {"none": "calm", "alert": "alert", "fix-data": "fix-data"}


class Turn(Section):
    """What a turn saw and did; `base` is the commit that it started from, `made` its files and their hashes."""

    dataset: str
    base: str
    until: str | None = None
    verdict: str = "unchecked"
    action: str = "none"
    why: str = ""
    outcome: Outcome = "calm"
    champion: str | None = None
    happenings: tuple[Happening, ...] = ()
    made: dict[str, str | None] = {}

    def add(self, event: Event, reason: str, **digests: str | None) -> "Turn":
        """Return the turn with an event more: who, when and in which run are taken from here and now."""
        happening = happen(event, self.dataset, reason, commit=self.base, **digests)
        return self.model_copy(update={"happenings": (*self.happenings, happening)})

    def end(self, outcome: Outcome, why: str) -> "Turn":
        """Return the turn with its outcome, and why."""
        return self.model_copy(update={"outcome": outcome, "why": why})


def happen(event: Event, dataset: str, reason: str, *, commit: str, **digests: str | None) -> Happening:
    """Return an event of this moment, by this user, in this run."""
    known = {name: digest for name, digest in digests.items() if digest}
    return Happening(
        event=event, dataset=dataset, who=who(), commit=commit, digests=known, reason=reason, run=run_address()
    )


def begin(dataset: str) -> Turn:
    """Return the turn that starts at today's commit."""
    return Turn(dataset=dataset, base=git("rev-parse", "HEAD"))


def take_check(turn: Turn, said: dict[str, Any]) -> Turn:
    """Return the turn after a drift check said this."""
    checked = turn.model_copy(update={"verdict": said["verdict"], "action": said["action"], "why": said["why"]})
    outcome: Outcome = BY_ACTION.get(said["action"], "alert")
    champion = (said.get("champion") or {}).get("digest")
    return checked.add("check", f"{said['verdict']}: {said['why']}", champion=champion).end(outcome, said["why"])


def take_gate(turn: Turn, gate: dict[str, Any]) -> Turn:
    """Return the turn after the gate left this record."""
    challenger, champion = gate["challenger"], gate["champion"] or {}
    told = turn.add("train", f"learned up to {challenger['trained_until']}", challenger=challenger["digest"])
    told = told.add("gate", f"{gate['decision']}: {gate['why']}", challenger=challenger["digest"])
    told = told.model_copy(update={"champion": champion.get("version")})
    if not gate["replaced"]:
        return told.end("rejected", gate["why"])
    previous = (gate["previous"] or {}).get("digest")
    return told.add("promote", gate["why"], champion=champion["digest"], previous=previous).end("promoted", gate["why"])


def write_turn(turn: Turn, path: Path = TURN) -> None:
    """Keep a turn for the steps that follow."""
    write_json(path, turn.model_dump(mode="json"))


def read_turn(path: Path = TURN) -> Turn | None:
    """Return the turn that was kept last, or None."""
    said = read_json(path)
    return None if said is None else Turn.model_validate(said)
