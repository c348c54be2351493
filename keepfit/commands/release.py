"""The release of a promoted champion, a command a step; a workflow runs them, and so does a person."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keepfit.commands.terminal import PARAMS, one_line_errors, say

if TYPE_CHECKING:
    from keepfit.release import ReleaseFolder
    from keepfit.settings import Settings

app = typer.Typer(help="Take a promoted champion to where it serves, or back.", no_args_is_help=True)

LOCK, PYPROJECT = Path("requirements/service.txt"), Path("pyproject.toml")
Version = Annotated[str, typer.Argument(help="The champion's version, such as v0.2.0.")]
Branch = Annotated[str | None, typer.Option(help="Where the audit trail is; else retrain.branch.")]
Url = Annotated[str | None, typer.Option(help="Where the service answers; else release.url.")]
EngineName = Annotated[
    str | None,
    typer.Option(help="docker, podman or buildah; else KEEPFIT_ENGINE, else the first of them that answers."),
]


@app.command()
def build(version: Version) -> None:
    """Build the Bento of a version's champion from its commit and the lock, equal to the one that was packaged."""
    from keepfit.acceptance import record_scores
    from keepfit.bundle import read_bundle
    from keepfit.files import read_json, read_table
    from keepfit.package import CHAMPION
    from keepfit.progress import working
    from keepfit.release import build_release
    from keepfit.remote import pull
    from keepfit.servable import read_servable
    from keepfit.staging import require_commit
    from keepfit.workspace import has_remote

    with one_line_errors(), working("building the release"):
        folder, settings = open_with_settings(version)
        commit, name = require_commit(folder.path.name), settings.dataset.name
        champion, bento = Path("models", name, "champion"), Path("models", name, "bento")
        valid, table = Path("data", name, "valid.parquet"), Path("data", name, "features.parquet")
        if has_remote():
            pull([str(each) for each in (champion, bento, valid, table)])
        gate = read_json(Path("reports", name, "gate.json")) or {}
        bundle = read_bundle(champion, digest=(gate.get("champion") or {}).get("digest"))
        parity = read_servable(bento / CHAMPION).parity
        recorded = record_scores(bundle, read_table(valid), read_table(table), parity=parity)
        record = build_release(folder, bundle, recorded, commit=commit, requirements=LOCK, packaged=bento)
        say(f"{folder.bento}: champion {record.recipe} of {commit[:12]}, {len(recorded.scores)} scores recorded")


@app.command()
def test(version: Version) -> None:
    """Serve the Bento from an environment of its own, made from its lock, and want the recorded scores."""
    from tempfile import TemporaryDirectory

    from keepfit.acceptance import check_service, wait_until_ready
    from keepfit.environment import fetch_wheels, make_environment, serving
    from keepfit.progress import working

    with one_line_errors(), working("testing the Bento"), TemporaryDirectory() as home:
        folder, _ = open_with_settings(version)
        recorded = folder.read_recorded()
        environment = make_environment(folder.requirements, fetch_wheels(folder.requirements))
        with serving(folder.bento, environment, Path(home)) as url:
            wait_until_ready(url, patience=120)
            check_service(url, recorded, key=api_key())
        say(f"{len(recorded.scores)} recorded scores came back from {folder.bento}")


@app.command()
def image(
    version: Version,
    base: Annotated[
        str | None, typer.Option(help="Another base image than the Containerfile's; else KEEPFIT_BASE.")
    ] = None,
    engine: EngineName = None,
) -> None:
    """Build the image of the Bento: no compiler, no root, nothing that must be written but /tmp."""
    from keepfit.container import build_command, find_engine, run_build
    from keepfit.environment import SERVE, fetch_wheels
    from keepfit.progress import working

    with one_line_errors(), working("building the image"):
        folder, _ = open_with_settings(version)
        record = folder.read_record()
        contexts = {"wheels": fetch_wheels(folder.requirements), "deploy": SERVE.parent}
        labels = {
            "org.opencontainers.image.version": record.version,
            "org.opencontainers.image.revision": record.commit,
            "org.keepfit.champion": record.champion,
        }
        chosen, name = find_engine(engine or os.environ.get("KEEPFIT_ENGINE")), _local_name(folder)
        base = base or os.environ.get("KEEPFIT_BASE")
        run_build(build_command(chosen, name, folder.bento, contexts, base=base, labels=labels))
        say(f"{name}, built by {chosen}")


@app.command()
def sbom(version: Version) -> None:
    """List what is inside, in CycloneDX's JSON: every library of the lock, and the model."""
    from keepfit.environment import fetch_wheels
    from keepfit.files import write_json
    from keepfit.sbom import list_contents, read_licence, read_lock

    with one_line_errors():
        folder, _ = open_with_settings(version)
        lock, wheels = read_lock(folder.requirements), fetch_wheels(folder.requirements)
        bom = list_contents(folder, lock, wheels, licence=read_licence(PYPROJECT))
        write_json(folder.sbom, bom)
        say(f"{folder.sbom}: {len(bom['components'])} components")


@app.command()
def push(
    version: Version,
    to: Annotated[str | None, typer.Option(help="REGISTRY/NAME; else KEEPFIT_IMAGE, else release.image.")] = None,
    engine: EngineName = None,
) -> None:
    """Push the image, and say by which digest it is there. KEEPFIT_REGISTRY_USER and _PASSWORD log in first."""
    from keepfit.container import find_engine, log_in, push_image
    from keepfit.errors import ContainerError

    with one_line_errors():
        folder, settings = open_with_settings(version)
        repository = (to or os.environ.get("KEEPFIT_IMAGE") or settings.release.image or "").lower()
        if not repository:
            raise ContainerError("release.image is null: name a repository in conf/config.yaml, or in KEEPFIT_IMAGE")
        chosen = find_engine(engine or os.environ.get("KEEPFIT_ENGINE"))
        user, password = (os.environ.get(f"KEEPFIT_REGISTRY_{name}") for name in ("USER", "PASSWORD"))
        if user and password:
            log_in(chosen, repository, user, password)
        pushed = push_image(chosen, _local_name(folder), f"{repository}:{folder.path.name}")
        folder.write_image(pushed)
        say(pushed)


def open_with_settings(version: str) -> "tuple[ReleaseFolder, Settings]":
    """Return where a version's release lies, and the settings of this commit; raise ReleaseError and SettingsError."""
    from keepfit.release import open_release
    from keepfit.settings import load_settings

    return open_release(version), load_settings(PARAMS)


def _local_name(folder: "ReleaseFolder") -> str:
    return f"localhost/keepfit-{folder.read_record().dataset.replace('_', '-')}:{folder.path.name}"


def api_key() -> str | None:
    """Return the API key that the environment gives, or None."""
    return os.environ.get("KEEPFIT_API_KEY") or None
