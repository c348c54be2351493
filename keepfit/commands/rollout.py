"""What follows once the image is pushed: sign, verify, deploy, smoke, finish or undo; and all steps in a row."""

from typing import TYPE_CHECKING, Annotated

import typer

from keepfit.commands import release as parts
from keepfit.commands.release import Branch, EngineName, Url, Version, api_key, open_with_settings
from keepfit.commands.terminal import one_line_errors, say
from keepfit.errors import KeepfitError

if TYPE_CHECKING:
    from keepfit.release import ReleaseFolder
    from keepfit.settings import Settings

app = typer.Typer()


@app.command()
def sign(version: Version) -> None:
    """Sign every file of the release, the image's digest among them, with KEEPFIT_SIGNING_KEY or as a workflow run."""
    from shutil import which

    from keepfit.container import sign_image
    from keepfit.signature import sign as sign_folder

    with one_line_errors():
        folder, _ = open_with_settings(version)
        record = folder.read_record()
        by = sign_folder(folder)
        if by == "identity" and record.image and which("cosign"):
            sign_image(record.image)
        say(f"{folder.signature}: signed by {by}")


@app.command()
def verify(version: Version) -> None:
    """Check that the release is signed by who may sign, and that no file of it was changed, added or removed."""
    with one_line_errors():
        folder, settings = open_with_settings(version)
        _refuse_unsigned(folder, settings)
        say(f"{folder.path}: signed, and as it was signed")


@app.command()
def deploy(version: Version) -> None:
    """Verify the release, then run the command of release.deploy with IMAGE, VERSION and DATASET in its environment."""
    from keepfit.errors import ReleaseError
    from keepfit.rollout import deploy as run_command

    with one_line_errors():
        folder, settings = open_with_settings(version)
        _refuse_unsigned(folder, settings)
        record = folder.read_record()
        if record.image is None:
            raise ReleaseError(f"{record.version}: no image was pushed; `keepfit release push {version}` pushes it")
        if settings.release.deploy is None:
            say(f"release.deploy is null; it would deploy {record.image} as {record.version}")
            return
        run_command(settings.release, image=record.image, version=record.version, dataset=record.dataset)
        say(f"{record.image} deployed as {record.version}")


@app.command()
def smoke(version: Version, url: Url = None) -> None:
    """Want the deployed service ready, serving this champion, and giving the recorded scores."""
    from keepfit.acceptance import wait_for_rollout

    with one_line_errors():
        folder, settings = open_with_settings(version)
        address = url or settings.release.url
        folder.failure.unlink(missing_ok=True)
        if address is None:
            say("release.url is null: there is no service to ask")
            return
        recorded = folder.read_recorded()
        try:
            wait_for_rollout(address.rstrip("/"), recorded, patience=settings.release.patience, key=api_key())
        except KeepfitError as error:
            folder.failure.write_text(str(error))
            raise
        say(f"{address} serves {recorded.recipe}: {len(recorded.scores)} recorded scores came back")


@app.command()
def finish(version: Version, url: Url = None, branch: Branch = None) -> None:
    """Make the version the one in prod, where a service was asked, and record the release; push tag and record."""
    from keepfit.rollout import finish as settle

    with one_line_errors():
        folder, settings = open_with_settings(version)
        address = url or settings.release.url
        made = settle(folder, branch=branch or settings.retrain.branch, url=address)
        say(f"recorded; tags pushed: {', '.join(made) or 'none'}")


@app.command()
def undo(
    version: Version,
    branch: Branch = None,
    reason: Annotated[str | None, typer.Option(help="Why; else what the smoke test said.")] = None,
) -> None:
    """Deploy the version in prod again, and take the new one out of staging; both are recorded and pushed."""
    from keepfit.rollout import undo as take_back

    with one_line_errors():
        folder, settings = open_with_settings(version)
        said = folder.failure.read_text() if folder.failure.exists() else "the deployment failed"
        say(take_back(folder, settings.release, branch=branch or settings.retrain.branch, reason=reason or said))


@app.command("run")
def run_all(version: Version, url: Url = None, branch: Branch = None, engine: EngineName = None) -> None:
    """Take all the steps in a row; where deploying or asking fails, undo, and end with status 1."""
    for step in (parts.build, parts.test):
        step(version)
    parts.image(version, engine=engine)
    parts.sbom(version)
    parts.push(version, engine=engine)
    sign(version)
    verify(version)
    try:
        deploy(version)
        smoke(version, url=url)
    except typer.Exit:
        undo(version, branch=branch)
        raise
    finish(version, url=url, branch=branch)


def _refuse_unsigned(folder: "ReleaseFolder", settings: "Settings") -> None:
    from keepfit.errors import SignatureError
    from keepfit.signature import verify as verify_folder
    from keepfit.staging import commit_of

    verify_folder(folder, settings.release)
    record = folder.read_record()
    if record.commit != (tagged := commit_of(record.version)):
        raise SignatureError(f"{folder.path}: is of commit {record.commit[:12]}, the tag is on {tagged[:12]}")
