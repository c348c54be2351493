"""Registry: the versions of the champion as GTO tags, `champion@v0.2.0` and `champion#staging#2`."""

import os
import re

from keepfit.errors import RepositoryError
from keepfit.repository import author, git, last_words, try_git

CHAMPION = "champion"
VERSION = re.compile(rf"{CHAMPION}@v(\d+)\.(\d+)\.(\d+)")


def next_version() -> str:
    """Return the version after the newest tag of this clone: each champion is a minor version."""
    found = [tuple(map(int, match.groups())) for tag in tags() if (match := VERSION.fullmatch(tag))]
    major, minor, _ = max(found, default=(0, 0, 0))
    return f"v{major}.{minor + 1}.0"


def register(commit: str, *, stage: str, message: str) -> list[str]:
    """Give the champion of a commit its version and its stage, as tags of this clone; return their names.

    Raises RepositoryError.
    """
    from gto.api import assign
    from gto.api import register as add_version
    from gto.exceptions import GTOException
    from scmrepo.exceptions import SCMError

    version, before = next_version(), set(tags())
    _name_the_tagger()
    try:
        add_version(".", CHAMPION, commit, version=version, message=message)
        assign(".", CHAMPION, stage, version=version, message=message)
    except (GTOException, SCMError) as error:
        raise RepositoryError(f"{CHAMPION}@{version}: {' '.join(str(error).split())}") from None
    return sorted(set(tags()) - before)


def _name_the_tagger() -> None:
    # A runner has no user in Git's configuration, and scmrepo takes one from there or from the environment alone.
    if author():
        os.environ.setdefault("GIT_COMMITTER_NAME", "keepfit")
        os.environ.setdefault("GIT_COMMITTER_EMAIL", "keepfit@users.noreply.github.com")


def register_and_push(commit: str, *, message: str) -> list[str]:
    """Register a commit's champion in stage `staging`, and push the tags at once; raise RepositoryError."""
    made = register(commit, stage="staging", message=message)
    done = try_git("push", "--atomic", "origin", *made)
    if done.returncode:
        git("tag", "--delete", *made)
        raise RepositoryError(f"git push was refused: {last_words(done.stderr)}")
    return made


def tags() -> list[str]:
    """Return the champion's tags in this clone."""
    return git("tag", "--list", f"{CHAMPION}[@#]*").split()


def version_of(commit: str) -> str | None:
    """Return the version with which a commit is tagged, the newest of several, or None."""
    found = [tag for tag in git("tag", "--points-at", commit).split() if VERSION.fullmatch(tag)]
    return max(found, key=_order).partition("@")[2] if found else None


def _order(tag: str) -> tuple[int, ...]:
    match = VERSION.fullmatch(tag)
    return tuple(map(int, match.groups())) if match else ()
