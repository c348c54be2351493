"""Worktree: the files under Git that a turn writes, and whether they are still as it left them.

All that a turn publishes or puts back is one of these: whatever else stands in a clone is its user's.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from keepfit.errors import RepositoryError
from keepfit.files import hash_file
from keepfit.repository import git
from keepfit.trail import TRAIL

if TYPE_CHECKING:
    from keepfit.turn import Turn

REPORTS = ("ingest.json", "validation.json", "metrics.json", "gate.json", "drift.json")


def list_written(dataset: str) -> tuple[str, ...]:
    """Return the files under Git that a turn of this dataset may write, the last two when it is published."""
    reports = (f"reports/{dataset}/{name}" for name in (*REPORTS, "card.md"))
    return ("conf/config.yaml", f"conf/dataset/{dataset}.yaml", "params.yaml", "dvc.lock", *reports, str(TRAIL))


def refuse_changes(dataset: str) -> None:
    """Raise RepositoryError where a tracked file, or one that a turn would write, holds what no commit has."""
    changed = git("status", "--porcelain", "--untracked-files=no").splitlines()
    if found := [*changed, *_status(dataset)]:
        names = ", ".join(list(dict.fromkeys(line[3:] for line in found))[:3])
        raise RepositoryError(f"{names}: changed and not committed; commit or stash your changes first")


def hash_made(dataset: str) -> dict[str, str | None]:
    """Return the files that a turn changed or publishing will, with the SHA-256 of what is there, None for no file.

    They were as the last commit has them when it began: `refuse_changes` sees to that.
    """
    changed = [line[3:] for line in _status(dataset)]
    return {name: _hash(name) for name in dict.fromkeys([*changed, *list_written(dataset)[-2:]])}


def refuse_edits(turn: "Turn") -> None:
    """Raise RepositoryError where what the turn made is in a commit already, or was changed since."""
    if (now := git("rev-parse", "HEAD")) != turn.base:
        raise RepositoryError(
            f"the turn began at {turn.base[:12]} and this clone is at {now[:12]}: it is published already, or you "
            "committed since; `keepfit retrain` makes a new one"
        )
    if edited := [name for name, left in turn.made.items() if _hash(name) != left]:
        raise RepositoryError(
            f"{', '.join(edited[:3])}: changed since the turn ended, and nothing was touched; undo that change, or "
            "`git stash` and `keepfit retrain` again"
        )


def _status(dataset: str) -> list[str]:
    return git("status", "--porcelain", "--untracked-files=all", "--", *list_written(dataset)).splitlines()


def _hash(name: str) -> str | None:
    return hash_file(Path(name)) if Path(name).exists() else None
