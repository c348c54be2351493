"""Loop: check, then train where it must be, then let the gate decide: the whole turn but for what others see of it."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

from keepfit import logbook
from keepfit.cutoff import Moment, next_cutoff
from keepfit.errors import KeepfitError
from keepfit.files import read_json, write_json
from keepfit.reproduction import check_newest, is_behind, reproduce
from keepfit.rollback import PARAMS, configure
from keepfit.settings import Settings, load_settings
from keepfit.turn import Turn, begin, take_check, take_gate, write_turn
from keepfit.worktree import hash_made, refuse_changes

EVIDENCE = Path("outputs")
REPORTS = ("drift.json", "gate.json", "metrics.json")


def turn_round(*, until: Moment | None, force: bool) -> Turn:
    """Move the cut-off, check, and train where the check says so or `force` does; return what happened.

    A failure is an outcome like the others, and is told in the turn. Raises RepositoryError where files
    were changed before: what a turn did could not be told from what the user did.
    """
    settings, turn = start()
    try:
        turn = _check(turn, settings, until)
        if turn.action == "retrain" or force:
            turn = _train(turn, settings, reason="drift" if turn.action == "retrain" else "scheduled", force=force)
    except KeepfitError as error:
        turn = _fail(turn, error)
    return _keep(turn)


def catch_up() -> Turn:
    """Train where the graph has changed since dvc.lock was made, the cut-off left alone; return what happened."""
    settings, turn = start()
    try:
        if is_behind():
            turn = _train(turn, settings, reason="scheduled", force=True)
        else:
            turn = turn.end("calm", "dvc.lock is up to date with conf/, code and data")
    except KeepfitError as error:
        turn = _fail(turn, error)
    return _keep(turn)


def start() -> tuple[Settings, Turn]:
    """Return the settings and a turn at today's commit, the logbook of the last turns in place."""
    settings = load_settings(PARAMS)
    refuse_changes(settings.dataset.name)
    turn = begin(settings.dataset.name)
    if logbook.recall(turn.dataset):
        _take_last_attempt(turn.dataset)
    return settings, turn


def _check(turn: Turn, settings: Settings, until: Moment | None) -> Turn:
    dataset = settings.dataset
    target = until or next_cutoff(dataset.until, settings.retrain.advance, today=datetime.now(UTC).date())
    if target is not None:
        configure({("until",): target}, file=f"dataset/{dataset.name}.yaml")
    turn = turn.model_copy(update={"until": None if target is None else str(target)})
    return take_check(turn, check_newest(PARAMS))


def _train(turn: Turn, settings: Settings, *, reason: str, force: bool) -> Turn:
    dataset, record = turn.dataset, Path("reports", turn.dataset, "gate.json")
    champion = (read_json(record) or {}).get("champion") or {}
    if settings.gate.pinned and settings.gate.pinned == champion.get("version") and not force:
        return turn.end("pinned", f"champion {settings.gate.pinned} is pinned; the check said: {turn.why}")
    configure({("gate", "reason"): reason})
    reproduce()
    after = read_json(Path("reports", dataset, "gate.json"))
    if (after.get("challenger") or {}).get("digest") == champion.get("digest"):
        return turn.end("calm", "training gave the champion that is there already")
    return take_gate(turn, after)


def _fail(turn: Turn, error: KeepfitError) -> Turn:
    return turn.add("failure", str(error)).end("failed", f"{type(error).__name__}: {error}")


def _keep(turn: Turn) -> Turn:
    """Keep the turn and its reports where no later step changes them."""
    EVIDENCE.mkdir(exist_ok=True)
    for name in REPORTS:
        file = Path("reports", turn.dataset, name)
        if file.exists():
            shutil.copy(file, EVIDENCE / name)
    turn = turn.model_copy(update={"made": hash_made(turn.dataset)})
    write_turn(turn)
    return turn


def _take_last_attempt(dataset: str) -> None:
    """Let the check know of a challenger that was trained since main's last one, and not let in."""
    record = f"reports/{dataset}/gate.json"
    text, ours = logbook.read_page(dataset, record), read_json(Path(record))
    if text is None or ours is None:
        return
    theirs = json.loads(text)
    if _trained(theirs) > _trained(ours):
        write_json(Path(record), {**ours, "challenger": theirs["challenger"]})


def _trained(gate: dict) -> str:
    return str((gate.get("challenger") or {}).get("trained_until") or "")
