"""Rollout: a signed release goes to where it serves, and stays there or is taken back."""

import os
import subprocess
import sys
from pathlib import Path

from keepfit.delivery import Release
from keepfit.errors import DeploymentError, ReleaseError
from keepfit.files import hash_file
from keepfit.release import ReleaseFolder, ReleaseRecord
from keepfit.staging import PROD, assign_prod, publish_entry, released_image, standing, unassign_staging
from keepfit.turn import happen


def deploy(release: Release, *, image: str, version: str, dataset: str) -> None:
    """Run the command that deploys, with the image by digest in its environment; raise DeploymentError."""
    if release.deploy is None:
        raise DeploymentError("release.deploy is null: no command deploys; name one in conf/config.yaml")
    env = {**os.environ, "IMAGE": image, "VERSION": version, "DATASET": dataset}
    done = subprocess.run(["/bin/sh", "-euc", release.deploy], env=env, check=False, stdout=sys.stderr)
    if done.returncode:
        raise DeploymentError(f"release.deploy ended with status {done.returncode} for {version}")


def finish(folder: ReleaseFolder, *, branch: str, url: str | None) -> list[str]:
    """Make a version that has shown that it serves the one in prod, and record it; return the tags.

    Without an address nothing was asked and prod stays: the image alone is recorded. Raises ReleaseError, LostRace
    and RepositoryError.
    """
    record = folder.read_record()
    if record.image is None:
        raise ReleaseError(f"{record.version}: no image was pushed; `keepfit release push {record.version}` pushes it")
    reason = f"{record.version} gives its recorded scores at {url}" if url else f"{record.version} pushed, not deployed"
    digests = _digests(folder, record)
    happening = happen("release", record.dataset, reason, commit=record.commit, image=record.image, **digests)

    def retag() -> None:
        if url:
            assign_prod(record.version, reason)

    return publish_entry(happening, branch=branch, retag=retag)


def undo(folder: ReleaseFolder, release: Release, *, branch: str, reason: str) -> str:
    """Deploy the version in prod again, take the new one out of staging, and record both; return what was done.

    The service comes first. Where it cannot be restored the tag is taken back all the same, and DeploymentError raised.
    """
    record = folder.read_record()
    previous = standing(PROD)
    image = released_image(previous, branch=branch) if previous else None
    restored = _restore(release, previous, image, record)
    told = f"{record.version} taken back: {reason}; {restored}"
    happening = happen(
        "release", record.dataset, told, commit=record.commit, refused=record.image, **_digests(folder, record)
    )
    publish_entry(happening, branch=branch, retag=lambda: unassign_staging(record.version, told))
    if restored.startswith("failed"):
        raise DeploymentError(restored)
    return told


def _restore(release: Release, previous: str | None, image: str | None, record: ReleaseRecord) -> str:
    if previous is None or image is None or release.deploy is None:
        return f"nothing to go back to{'' if release.deploy else ', release.deploy is null'}"
    try:
        deploy(release, image=image, version=previous, dataset=record.dataset)
    except DeploymentError as error:
        return f"failed to deploy {previous} again: {error}"
    return f"{previous} deployed again"


def _digests(folder: ReleaseFolder, record: ReleaseRecord) -> dict[str, str | None]:
    files: dict[str, Path] = {"sbom": folder.sbom, "signature": folder.signature}
    signed = {name: hash_file(file) if file.exists() else None for name, file in files.items()}
    return {"champion": record.champion, "bento": record.bento, **signed}
