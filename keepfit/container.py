"""Container: the image of a Bento, by whichever engine is there: docker, podman or buildah."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from keepfit.errors import ContainerError
from keepfit.repository import last_words

CONTAINERFILE = Path("deploy/Containerfile")
# A client whose daemon does not run is no engine, so each is asked for something that needs it.
ENGINES: dict[str, list[str]] = {
    "docker": ["docker", "info"],
    "podman": ["podman", "info"],
    "buildah": ["buildah", "info"],
}
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def find_engine(wanted: str | None = None) -> str:
    """Return the first engine that answers, or the wanted one; raise ContainerError."""
    if wanted and wanted not in ENGINES:
        raise ContainerError(f"engine {wanted!r}: allowed: {', '.join(ENGINES)}")
    for engine in [wanted] if wanted else ENGINES:
        if shutil.which(engine) and not _try(ENGINES[engine]).returncode:
            return engine
    raise ContainerError(f"no container engine answers; tried: {wanted or ', '.join(ENGINES)}")


def build_command(
    engine: str,
    name: str,
    context: Path,
    contexts: Mapping[str, Path],
    *,
    base: str | None,
    labels: Mapping,
) -> list[str]:
    """Return the command that builds the image `name`."""
    command = [engine, "build", "--file", str(CONTAINERFILE), "--tag", name]
    if engine != "docker":
        # Docker's format, since OCI's has no place for a health check; one time for all files, so that two releases
        # with one lock share the layer of the libraries.
        command += ["--format", "docker", "--layers", "--timestamp", "0"]
    if base:
        command += ["--build-arg", f"BASE={base}"]
    command += [part for key, value in labels.items() for part in ("--label", f"{key}={value}")]
    command += [part for key, folder in contexts.items() for part in ("--build-context", f"{key}={folder}")]
    return [*command, str(context)]


def run_build(command: list[str]) -> None:
    """Build an image; raise ContainerError."""
    _run(command)


def push_image(engine: str, name: str, destination: str) -> str:
    """Push an image to `REGISTRY/NAME:TAG` and return it as `REGISTRY/NAME@sha256:...`; raise ContainerError."""
    repository = destination.rpartition(":")[0]
    if engine == "docker":
        _run(["docker", "tag", name, destination])
        _run(["docker", "push", "--quiet", destination])
        told = _run(["docker", "inspect", "--format", "{{range .RepoDigests}}{{println .}}{{end}}", destination])
        return next(line for line in told.split() if line.startswith(f"{repository}@"))
    with TemporaryDirectory() as folder:
        file = Path(folder, "digest")
        options = ["--digestfile", str(file), *insecure(destination)]
        _run([engine, "push", *options, name, f"docker://{destination}"])
        return f"{repository}@{file.read_text().strip()}"


def log_in(engine: str, destination: str, user: str, password: str) -> None:
    """Log in to the registry of an image, the password by standard input; raise ContainerError."""
    registry = destination.partition("/")[0]
    command = [engine, "login", *insecure(destination), "--username", user, "--password-stdin", registry]
    if engine == "docker":
        command = [each for each in command if not each.startswith("--tls-verify")]
    _run(command, stdin=password)


def sign_image(image: str) -> None:
    """Sign an image by digest with cosign and the identity of the workflow run; raise ContainerError."""
    _run(["cosign", "sign", "--yes", image])


def insecure(destination: str) -> list[str]:
    """Return the option that lets a registry on loopback go without TLS; docker does so by itself."""
    host = destination.partition("/")[0].rpartition(":")[0] or destination.partition("/")[0]
    return ["--tls-verify=false"] if host in LOOPBACK else []


def _run(command: list[str], *, stdin: str | None = None) -> str:
    done = _try(command, stdin=stdin)
    if done.returncode:
        words = last_words(done.stderr or done.stdout)
        raise ContainerError(f"{' '.join(command[:2])} ended with status {done.returncode}: {words}")
    return done.stdout


def _try(command: list[str], *, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
