"""Handover: what becomes of a turn: a champion is published or proposed, all else is a line in the logbook."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keepfit import logbook
from keepfit.bundle import read_champion
from keepfit.card import write_card
from keepfit.errors import ChampionMissing, ForgeError, LostRace, RemoteError, RepositoryError
from keepfit.files import read_json, replacing
from keepfit.forge import Forge
from keepfit.loop import EVIDENCE, REPORTS
from keepfit.proposal import write_message, write_proposal
from keepfit.publication import propose, publish, put_back
from keepfit.settings import Settings
from keepfit.turn import Outcome, Turn, write_turn


def hand_over(turn: Turn, settings: Settings) -> Iterator[str]:
    """Carry the turn's outcome out, telling what was done line by line.

    Where that fails, nothing is published, the logbook says so, and the error is raised: RemoteError, RepositoryError,
    LostRace or ForgeError.
    """
    if turn.outcome != "promoted":
        logbook.leave(turn, _evidence(turn))
        put_back(turn)
        yield f"{turn.outcome}: no champion changed; its line in the logbook is pushed"
        return
    try:
        if settings.retrain.publish == "direct":
            tags = publish(turn, _write(turn, settings)[0], branch=settings.retrain.branch)
            yield f"promoted {turn.champion}: pushed {', '.join(tags)}"
        else:
            yield _propose(turn, settings)
    except (RemoteError, RepositoryError, LostRace, ForgeError) as error:
        put_back(turn)
        outcome: Outcome = "lost" if isinstance(error, LostRace) else "failed"
        _leave_unpublished(turn.add("failure", f"not published: {error}").end(outcome, str(error)))
        raise


def _propose(turn: Turn, settings: Settings) -> str:
    message, body = _write(turn, settings)
    branch = propose(turn, message)
    put_back(turn)
    told = _open_pull(message.splitlines()[0], body, branch=branch, base=settings.retrain.branch)
    _leave_unpublished(turn.end("proposed", f"{turn.why} ({told})"))
    return told


def _leave_unpublished(turn: Turn) -> None:
    """Leave in the logbook a champion that main does not have."""
    kept = tuple(each for each in turn.happenings if each.event != "promote")
    unpublished = turn.model_copy(update={"happenings": kept})
    write_turn(unpublished)
    logbook.leave(unpublished, _evidence(turn))
    put_back(turn)


def _write(turn: Turn, settings: Settings) -> tuple[str, str]:
    """Write the model card; return the commit's message and the pull request's body."""
    reports, folder = Path("reports", turn.dataset), Path("models", turn.dataset, "champion")
    gate, metrics = read_json(reports / "gate.json"), read_json(reports / "metrics.json")
    bundle = read_champion(folder)
    if bundle is None:
        raise ChampionMissing(f"{folder}: no champion there to publish")
    card = write_card(bundle.passport, gate, metrics, settings)
    with replacing(reports / "card.md") as partial:
        partial.write_text(card)
    report: Any = read_json(EVIDENCE / "drift.json")
    return write_message(turn, gate), write_proposal(turn, gate, metrics, report, card)


def _open_pull(title: str, body: str, *, branch: str, base: str) -> str:
    forge = Forge.here()
    if forge is None:
        return f"pushed {branch}; outside a workflow the pull request is yours to open"
    pull = forge.find_pull(branch)
    if pull is None:
        return f"pull request {forge.open_pull(title, body, branch=branch, base=base)}"
    forge.edit_pull(pull.number, title, body)
    return f"pull request {pull.number}, brought up to date"


def _evidence(turn: Turn) -> dict[str, Path]:
    return {f"reports/{turn.dataset}/{name}": EVIDENCE / name for name in REPORTS if (EVIDENCE / name).exists()}
