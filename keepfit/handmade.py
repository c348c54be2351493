"""Handmade: what a person does to the champion, committed, tagged and written into the trail like a run's work."""

from collections.abc import Iterator
from pathlib import Path

from keepfit.bundle import Bundle
from keepfit.files import read_json
from keepfit.publication import commit_turn, publish
from keepfit.registry import register
from keepfit.repository import git
from keepfit.rollback import run_dvc
from keepfit.settings import Settings
from keepfit.succession import replace_by_hand
from keepfit.trail import Event
from keepfit.turn import Turn, begin
from keepfit.worktree import hash_made

NEW_CHAMPION = ("promote", "rollback")


def promote_by_hand(challenger: Bundle, dataset: str, *, why: str) -> None:
    """Make a challenger the champion because a person says so, and make its package."""
    folder, record = Path("models", dataset, "champion"), Path("reports", dataset, "gate.json")
    replace_by_hand(challenger, folder=folder, record=record, decision="promote", why=why)
    run_dvc("commit", "--force", "gate")
    run_dvc("repro", "--single-item", "package")


def commit_by_hand(event: Event, settings: Settings, reason: str, *, push: bool) -> Iterator[str]:
    """Commit what was done, with its line in the trail; tag a new champion; push it all where that is asked.

    Raises RemoteError, RepositoryError and LostRace, after which the repository is as it was before.
    """
    turn = _tell(event, settings, reason)
    message = f"{_subject(event, turn)}\n\n{reason}"
    if push:
        stage = "staging" if event in NEW_CHAMPION else None
        tags = publish(turn, message, branch=settings.retrain.branch, stage=stage)
        yield f"pushed to {settings.retrain.branch}{''.join(f', {tag}' for tag in tags)}"
        return
    commit_turn(turn, message)
    tags = register("HEAD", stage="staging", message=message.splitlines()[0]) if event in NEW_CHAMPION else []
    yield f"committed {git('rev-parse', '--short', 'HEAD')}{''.join(f', {tag}' for tag in tags)}; to publish it:"
    yield f"  dvc push && git push --atomic origin HEAD:{settings.retrain.branch}{''.join(f' {tag}' for tag in tags)}"


def _tell(event: Event, settings: Settings, reason: str) -> Turn:
    gate = read_json(Path("reports", settings.dataset.name, "gate.json")) or {}
    digests = {name: (gate.get(name) or {}).get("digest") for name in ("champion", "previous")}
    version = (gate.get("champion") or {}).get("version")
    told = {"champion": version, "made": hash_made(settings.dataset.name)}
    return begin(settings.dataset.name).model_copy(update=told).add(event, reason, **digests)


def _subject(event: Event, turn: Turn) -> str:
    told = {
        "promote": f"feat({turn.dataset}): champion {turn.champion}, promoted by hand",
        "rollback": f"revert({turn.dataset}): champion {turn.champion} is back, and pinned",
        "pin": f"chore({turn.dataset}): champion {turn.champion} is pinned",
        "unpin": f"chore({turn.dataset}): champion {turn.champion} may be replaced again",
    }
    return told[event]
