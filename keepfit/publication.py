"""Publication: a promotion goes to the remote, then to Git, all of it or nothing.

The data goes first, so that the branch never names what the remote does not hold; then commit and tags in one
atomic push. A push that loses the race to another is made again on top of it where the two have nothing to do with
each other, and is taken back otherwise.
"""

from pathlib import Path

from keepfit.errors import KeepfitError, LostRace, RemoteError, RepositoryError
from keepfit.registry import register
from keepfit.remote import list_stages, push
from keepfit.repository import author, git, last_words, read_at, try_git
from keepfit.trail import TRAIL, add_entries
from keepfit.turn import Turn

# What a champion is made from or recorded in: a change of these by another makes this promotion a guess.
OURS = ("conf", "data", "features", "keepfit", "service", "stages", "requirements", "reports", "dvc.yaml", "dvc.lock")
TRIES = 3


def publish(turn: Turn, message: str, *, branch: str, stage: str | None = "staging") -> list[str]:
    """Push data, commit, and the tags of a new version in `stage`; return the tags, none where there is no stage.

    Raises RemoteError, RepositoryError and LostRace, after which this clone is at `turn.base` and the branch and
    the tags are as they were.
    """
    push(before=read_at(turn.base, "dvc.lock"))
    commit_turn(turn, message)
    made: list[str] = []
    try:
        for _ in range(TRIES):
            made = register("HEAD", stage=stage, message=message.splitlines()[0]) if stage else []
            done = try_git("push", "--atomic", "origin", f"HEAD:refs/heads/{branch}", *made)
            if done.returncode == 0:
                return made
            _drop_tags(made)
            made = []
            _stand_on(branch, turn.base, last_words(done.stderr))
        raise LostRace(f"{branch} moved {TRIES} times while this was pushed; nothing was published")
    except KeepfitError:
        _drop_tags(made)
        put_back(turn)
        raise


def propose(turn: Turn, message: str) -> str:
    """Push data and commit to the branch of proposals, in the place of an older proposal; return its name.

    Raises RemoteError and RepositoryError.
    """
    push(before=read_at(turn.base, "dvc.lock"))
    commit_turn(turn, message)
    branch = f"keepfit/{turn.dataset}"
    done = try_git("push", "--force", "origin", f"HEAD:refs/heads/{branch}")
    if done.returncode:
        put_back(turn)
        raise RepositoryError(f"git push ended with status {done.returncode}: {last_words(done.stderr)}")
    return branch


def commit_turn(turn: Turn, message: str) -> None:
    """Commit what the turn made, with its events in the trail, and nothing else, be it staged or not."""
    add_entries(TRAIL, turn.happenings)
    ours = [name for name in turn.made if Path(name).exists() or read_at(turn.base, name) is not None]
    git("add", "--all", "--", *ours)
    git(*author(), "commit", "--quiet", "--no-verify", "--only", "-m", message, "--", *ours)


def put_back(turn: Turn) -> None:
    """Put what the turn made back as it was when it began, and nothing else; what DVC tracks follows it."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    if git("rev-parse", "HEAD") != turn.base:
        git("reset", "--quiet", "--keep", turn.base)
    for name in turn.made:
        if read_at(turn.base, name) is not None:
            git("restore", f"--source={turn.base}", "--staged", "--worktree", "--", name)
        else:
            git("rm", "--quiet", "--cached", "--force", "--ignore-unmatch", "--", name)
            Path(name).unlink(missing_ok=True)
    try:
        with Repo() as repo:
            repo.checkout(list_stages(repo), force=True)
    except DvcException as error:
        raise RemoteError(f"dvc checkout: {' '.join(str(error).split())[:200]}") from None


def _stand_on(branch: str, base: str, why: str) -> None:
    """Move the commit on top of what another has pushed; raise LostRace where it touches what a champion is made of."""
    fetched = try_git("fetch", "--quiet", "--tags", "--force", "origin", branch)
    if fetched.returncode or not git("rev-list", f"HEAD..{_tip()}"):
        raise RepositoryError(f"git push was refused: {why}")
    changed = git("diff", "--name-only", f"{base}...{_tip()}").splitlines()
    if touched := [name for name in changed if name.split("/")[0] in OURS or name == "params.yaml"]:
        raise LostRace(
            f"{branch} moved to {_tip()[:12]} meanwhile and changed {', '.join(touched[:3])}; nothing was "
            "published, the next run starts from there"
        )
    git(*author(), "rebase", "--quiet", _tip())


def _tip() -> str:
    return git("rev-parse", "FETCH_HEAD")


def _drop_tags(names: list[str]) -> None:
    if names:
        try_git("tag", "--delete", *names)
