"""Staging: which version stands in which stage, and how it gets from `staging` to `prod` or back, in GTO tags.

A stage is taken back by a further tag, never by deleting one: what was pushed stays, and tells.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from keepfit.errors import KeepfitError, LostRace, ReleaseError
from keepfit.registry import CHAMPION, tags
from keepfit.repository import author, find_commit, git, last_words, read_at, try_git
from keepfit.trail import TRAIL, Happening, add_entries, parse_trail

STAGING, PROD = "staging", "prod"
TRIES = 5


def standing(stage: str) -> str | None:
    """Return the version that stands in a stage, or None."""
    from gto.api import show

    found = show(".", f"{CHAMPION}#{stage}")
    return found[0]["version"] if found else None


def commit_of(version: str) -> str:
    """Return the commit of a version; raise ReleaseError where it has no tag."""
    commit = find_commit(f"refs/tags/{CHAMPION}@{version}")
    if commit is None:
        raise ReleaseError(f"{CHAMPION}@{version}: no such tag; there are: {', '.join(tags()) or 'none'}")
    return commit


def require_commit(version: str) -> str:
    """Return the commit of a version; raise ReleaseError where it is not what the working tree holds."""
    commit, here = commit_of(version), git("rev-parse", "HEAD")
    if commit != here:
        raise ReleaseError(
            f"{CHAMPION}@{version} is commit {commit[:12]}, this is {here[:12]}: check the tag out first"
        )
    if changed := git("diff", "--name-only", "HEAD").split():
        raise ReleaseError(f"{changed[0]} is changed and not committed: a release is of a commit alone")
    return commit


def assign_prod(version: str, message: str) -> None:
    """Tag a version as the one in prod, where it is not."""
    from gto.api import assign

    if standing(PROD) != version:
        name, address = _tagger()
        assign(".", CHAMPION, PROD, version=version, message=message, author=name, author_email=address)


def unassign_staging(version: str, message: str) -> None:
    """Tag that a version has left staging, where it is there: the one before it stands there again."""
    from gto.api import unassign

    if standing(STAGING) == version:
        name, address = _tagger()
        unassign(".", CHAMPION, version=version, stage=STAGING, message=message, author=name, author_email=address)


def publish_entry(happening: Happening, *, branch: str, retag: Callable[[], None]) -> list[str]:
    """Push a line of the audit trail to `branch`, and the tags that `retag` makes, both at once; return the tags.

    A push that lost the race is made again on top of the other one. Raises LostRace, RepositoryError and TrailError,
    after which neither line nor tag is there.
    """
    for _ in range(TRIES):
        git("fetch", "--quiet", "--tags", "--force", "origin", f"refs/heads/{branch}")
        tip, before = git("rev-parse", "FETCH_HEAD"), set(tags())
        try:
            retag()
            made = sorted(set(tags()) - before)
            commit = _commit_entry(tip, happening)
        except KeepfitError:
            _drop(set(tags()) - before)
            raise
        done = try_git("push", "--quiet", "--atomic", "origin", f"{commit}:refs/heads/{branch}", *made)
        if done.returncode == 0:
            return made
        _drop(set(made))
    raise LostRace(f"{branch}: {TRIES} pushes of the release's entry were refused: {last_words(done.stderr)}")


def released_image(version: str, *, branch: str) -> str | None:
    """Return the image, by digest, with which a version was last released, as the audit trail of `branch` has it."""
    git("fetch", "--quiet", "--tags", "--force", "origin", f"refs/heads/{branch}")
    text = read_at("FETCH_HEAD", str(TRAIL))
    entries, commit = parse_trail(text or "", name=f"{branch}:{TRAIL}"), commit_of(version)
    images = [each.digests.get("image") for each in entries if each.event == "release" and each.commit == commit]
    return next((image for image in reversed(images) if image), None)


def _commit_entry(tip: str, happening: Happening) -> str:
    """Return a commit on top of `tip` that adds the entry, made without touching the working tree."""
    with TemporaryDirectory() as folder:
        index, trail = Path(folder, "index"), Path(folder, TRAIL.name)
        trail.write_text(read_at(tip, str(TRAIL)) or "", encoding="utf-8")
        add_entries(trail, [happening])
        blob = git("hash-object", "-w", "--no-filters", "--", str(trail))
        git("read-tree", tip, index=index)
        git("update-index", "--add", "--cacheinfo", f"100644,{blob},{TRAIL}", index=index)
        tree = git("write-tree", index=index)
    message = f"chore: {happening.event} of {happening.dataset} in the audit trail\n\n{happening.reason}"
    return git(*author(), "commit-tree", tree, "-p", tip, "-m", message)


def _drop(names: set[str]) -> None:
    if names:
        try_git("tag", "--delete", *sorted(names))


def _tagger() -> tuple[str | None, str | None]:
    """Return the name and the address of the tagger, where Git's configuration names none."""
    named = dict(each.split("=", 1) for each in author() if "=" in each)
    return named.get("user.name"), named.get("user.email")
