"""Logbook: what the turns left that changed no champion, kept beside the branches in `refs/keepfit/logbook/NAME`.

Main stays as it was, and yet the audit trail goes on and the next check knows of the last attempt. The logbook is
good for as long as its trail starts with main's; a promotion or a rollback on main begins a new one.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from keepfit.errors import LostRace, TrailError
from keepfit.repository import author, git, has_origin, last_words, read_at, try_git
from keepfit.trail import TRAIL, add_entries, check_grown_from, parse_trail, read_trail
from keepfit.turn import Turn

TRIES = 3


def recall(dataset: str) -> bool:
    """Put the trail of the last turns in place; return whether the logbook is one of today's main."""
    _fetch(dataset)
    text = read_at(_ref(dataset), str(TRAIL))
    if text is None:
        return False
    try:
        check_grown_from(read_trail(TRAIL), parse_trail(text, name=_ref(dataset)), name=str(TRAIL))
    except TrailError:
        return False
    TRAIL.parent.mkdir(exist_ok=True)
    TRAIL.write_text(text, encoding="utf-8")
    return True


def read_page(dataset: str, path: str) -> str | None:
    """Return the text of a file that the last turn left, or None."""
    return read_at(_ref(dataset), path)


def leave(turn: Turn, files: Mapping[str, Path]) -> None:
    """Commit the trail with the turn's events, and files by their name in the repository, to the logbook, and push it.

    Another turn's page that came first stays, and this one follows it. Raises LostRace and RepositoryError.
    """
    words = ""
    for _ in range(TRIES):
        recall(turn.dataset)
        add_entries(TRAIL, turn.happenings)
        before = git("for-each-ref", "--format=%(objectname)", _ref(turn.dataset))
        commit = _commit(turn, {str(TRAIL): TRAIL, **files}, before)
        done = _push(turn.dataset, commit, before)
        if done is None:
            git("update-ref", _ref(turn.dataset), commit)
            return
        words = done
        git("restore", "--worktree", "--", str(TRAIL)) if read_at("HEAD", str(TRAIL)) else TRAIL.unlink()
    raise LostRace(f"the logbook of {turn.dataset} was not pushed: {words}")


def _commit(turn: Turn, files: Mapping[str, Path], before: str) -> str:
    with TemporaryDirectory() as folder:
        index = Path(folder, "index")
        git("read-tree", turn.base, index=index)
        for name, file in files.items():
            blob = git("hash-object", "-w", "--", str(file))
            git("update-index", "--add", "--cacheinfo", f"100644,{blob},{name}", index=index)
        tree = git("write-tree", index=index)
    parents = ["-p", turn.base, *(["-p", before] if before else [])]
    return git(*author(), "commit-tree", tree, *parents, "-m", f"{turn.outcome}: {turn.why}")


def _push(dataset: str, commit: str, before: str) -> str | None:
    """Return None where the logbook was pushed or there is nowhere to push to, else what Git said."""
    if not has_origin():
        return None
    ref = _ref(dataset)
    done = try_git("push", "--quiet", f"--force-with-lease={ref}:{before}", "origin", f"{commit}:{ref}")
    return last_words(done.stderr) if done.returncode else None


def _fetch(dataset: str) -> None:
    if has_origin():
        try_git("fetch", "--quiet", "--force", "origin", f"{_ref(dataset)}:{_ref(dataset)}")


def _ref(dataset: str) -> str:
    return f"refs/keepfit/logbook/{dataset}"
