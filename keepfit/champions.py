"""Champions: every model that was deployed, from the commits that changed the gate's record."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keepfit.errors import ChampionMissing, RepositoryError
from keepfit.registry import version_of
from keepfit.repository import find_commit, git, read_at, try_git


@dataclass(frozen=True)
class Reign:
    """A champion from the commit on that brought it in: when and why, and its metrics on its own holdout."""

    commit: str
    at: str
    version: str
    digest: str
    trained_until: str
    release: str | None
    why: str
    run: str | None
    metrics: dict[str, float]


def list_reigns(dataset: str) -> list[Reign]:
    """Return the champions of a dataset, the oldest first; one that came back by a rollback is there again."""
    reigns: list[Reign] = []
    record = f"reports/{dataset}/gate.json"
    for commit in git("log", "--first-parent", "--reverse", "--format=%H", "--", record).split():
        said = _read(commit, record)
        champion = said.get("champion")
        if champion and (not reigns or reigns[-1].digest != champion["digest"]):
            reigns.append(_reign(commit, dataset, said, champion))
    return reigns


def find_reign(dataset: str, revision: str | None) -> Reign:
    """Return the champion at a tag or commit, or of a version or a digest; the one before today's where none is named.

    Raises ChampionMissing.
    """
    reigns = list_reigns(dataset)
    known = ", ".join(dict.fromkeys(filter(None, (each.release or each.version for each in reigns)))) or "none"
    if revision is None:
        if len(reigns) < 2:
            raise ChampionMissing(f"{dataset} has had {len(reigns)} champions; there is none to go back to")
        return reigns[-2]
    for each in reversed(reigns):
        if revision in (each.release, each.version) or (len(revision) >= 7 and each.digest.startswith(revision)):
            return each
    commit = find_commit(f"champion@{revision}") or find_commit(revision)
    if commit is not None:
        for each in reversed(reigns):
            if try_git("merge-base", "--is-ancestor", each.commit, commit).returncode == 0:
                return each
    raise ChampionMissing(f"{revision!r}: no champion of {dataset} by that name; there are: {known}")


def fetch_champion(reign: Reign, dataset: str, folder: Path) -> None:
    """Put the bundle of an earlier champion into `folder`, from DVC's cache or its remote; raise ChampionMissing."""
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from dvc_data.index import DataIndexDirError

    try:
        files = DVCFileSystem(".", rev=reign.commit)
        files.get(f"models/{dataset}/champion", str(folder), recursive=True)
    except (DvcException, DataIndexDirError, OSError) as error:
        cause = " ".join(str(error).split())[:200]
        raise ChampionMissing(f"champion {reign.version} of {reign.at} is not in the DVC remote: {cause}") from None


def _reign(commit: str, dataset: str, said: dict[str, Any], champion: dict[str, Any]) -> Reign:
    told = git("show", "--no-patch", "--format=%aI%n%(trailers:key=Keepfit-Run,valueonly)", commit).splitlines()
    metrics = _read(commit, f"reports/{dataset}/metrics.json").get("challenger") or {}
    if (said.get("challenger") or {}).get("digest") != champion["digest"]:
        metrics = said.get("champion_metrics") or {}
    return Reign(
        commit=commit,
        at=told[0],
        version=champion["version"],
        digest=champion["digest"],
        trained_until=str(champion.get("trained_until", "")),
        release=version_of(commit),
        why=str(said.get("why", "")),
        run=next((line for line in told[1:] if line), None),
        metrics=metrics,
    )


def _read(commit: str, path: str) -> dict[str, Any]:
    text = read_at(commit, path)
    try:
        return json.loads(text) if text else {}
    except ValueError as error:
        raise RepositoryError(f"{path} at {commit[:12]}: not JSON: {error}") from None
