"""A toy's champion in two versions, tagged and pushed, and what a release meets: a registry, containers, act."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from keepfit.environment import free_port
from keepfit.serving.keys import create_key
from tests.toys import toy_rows, toy_values
from tests.workflows.containers import DEPLOY, OPTIONS, podman, start_registry

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github/workflows/release.yml"
# What each action of the workflow does here; the others must not be run.
STAND_INS = {
    "actions/checkout": """
        git init --quiet .
        git remote add origin "$ORIGIN"
        git fetch --quiet --tags origin '+refs/heads/*:refs/remotes/origin/*'
        git checkout --quiet --detach "$REF"
        """,
    "actions/setup-python": "python --version",
    "actions/upload-artifact": 'mkdir -p "$SHELF/$NAME" && cp -r "$FOLDER"/. "$SHELF/$NAME"',
    "actions/download-artifact": 'mkdir -p "$FOLDER" && cp -r "$SHELF/$NAME"/. "$FOLDER"',
}
INPUTS = {"REF": "ref", "NAME": "name", "FOLDER": "path"}
ANN = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in {"NAME": "Ann", "EMAIL": "ann@example.com"}.items()
}


@dataclass(frozen=True)
class Site:
    """The folder of everything, the port of the service, and the registry's address."""

    path: Path
    port: int
    registry: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What the commands run in: no Git identity, and containers of this test's own."""
        return {
            "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": str(self.path / "home"),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "VENV": sys.prefix,
            "ORIGIN": str(self.path / "origin.git"),
            "SHELF": str(self.path / "shelf"),
            "CONTAINERS_STORAGE_CONF": str(self.path / "storage.conf"),
            "BUILDAH_ISOLATION": "chroot",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.path / "wheels"),
        }

    def run(self, *command: str, cwd: str = "work", status: int | None = 0, **extra: str) -> str:
        """Run a command in the person's clone; return what it printed."""
        done = subprocess.run(
            command,
            cwd=self.path / cwd,
            env={**self.environment, **extra},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1800,
            check=False,
        )
        assert status is None or done.returncode == status, done.stdout
        return done.stdout

    def git(self, *command: str) -> str:
        """Ask the bare repository."""
        return self.run("git", *command, cwd="origin.git").strip()

    def act(self, event: str, *, version: str) -> tuple[int, str]:
        """Run the workflow as GitHub would on a pushed tag or by hand; return its status and what it printed."""
        told = {"repository": {"default_branch": "main", "name": "toy", "full_name": "owner/toy"}}
        if event == "push":
            told["ref"] = f"refs/tags/champion@{version}"
        else:
            told |= {"ref": "refs/heads/main", "inputs": {"version": version}}
        (self.path / "event.json").write_text(json.dumps(told))
        (self.path / "act.env").write_text("".join(f"{key}={value}\n" for key, value in self.environment.items()))
        secrets = {"KEEPFIT_SIGNING_KEY": self.path / "signing.pem", "KEEPFIT_API_KEY": self.path / "api.key"}
        variables = {
            "KEEPFIT_RELEASE": "on",
            "KEEPFIT_SIGNER": "key",
            "KEEPFIT_IMAGE": f"{self.registry}/Owner/toy",
            "KEEPFIT_BASE": "localhost/keepfit-base:bookworm",
        }
        command = [
            *("act", event, "--eventpath", str(self.path / "event.json"), "--workflows", str(WORKFLOW)),
            *("--platform", "ubuntu-24.04=-self-hosted", "--pull=false", "--no-skip-checkout"),
            *("--cache-server-addr", "127.0.0.1", "--env-file", str(self.path / "act.env"), "--actor", "ann"),
            *(part for key, file in secrets.items() for part in ("--secret", f"{key}={file.read_text()}")),
            *(part for key, value in variables.items() for part in ("--var", f"{key}={value}")),
            *(part for each in self._actions() for part in ("--local-repository", each)),
        ]
        done = subprocess.run(
            command,
            cwd=self.path / "work",
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1800,
            check=False,
        )
        return done.returncode, done.stdout

    def _actions(self) -> list[str]:
        jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
        used = {step["uses"] for job in jobs for step in job["steps"] if "uses" in step}
        return [f"{each}={self._stand_in(each.partition('@')[0])}" for each in sorted(used)]

    def _stand_in(self, name: str) -> Path:
        folder = self.path / "actions" / name
        folder.mkdir(parents=True, exist_ok=True)
        script = STAND_INS.get(name, f"echo {name} must not run here; exit 1")
        step = {
            "shell": "bash",
            "run": script,
            "env": {key: f"${{{{ inputs.{value} }}}}" for key, value in INPUTS.items()},
        }
        action = {
            "name": name,
            "description": "A stand-in.",
            "inputs": {each: {"default": ""} for each in INPUTS.values()},
            "runs": {"using": "composite", "steps": [step]},
        }
        (folder / "action.yml").write_text(yaml.safe_dump(action))
        return folder


def _begin(path: Path, registry: str) -> Site:
    site = Site(path, free_port(), registry)
    for name in ("home", "shelf", "origin.git", "remote"):
        (path / name).mkdir()
    storage = {"driver": "overlay", "graphroot": str(path / "graph"), "runroot": str(path / "run")}
    (path / "storage.conf").write_text(
        "[storage]\n" + "".join(f'{key} = "{value}"\n' for key, value in storage.items())
    )
    _, token = create_key(path / "keys/keys.json", ("predict", "read"))
    # The container's user is another one.
    (path / "keys/keys.json").chmod(0o644)
    (path / "api.key").write_text(token)
    deploy = DEPLOY.format(
        log=path / "deployed", podman=" ".join(podman()), port=site.port, options=OPTIONS, keys=path / "keys"
    )
    (path / "deploy.sh").write_text(deploy)
    key = ec.generate_private_key(ec.SECP256R1())
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (path / "signing.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    (path / "signing.pub").write_bytes(public)
    return site


def _promote(site: Site, *, patience: int) -> None:
    """Push the champion's data, commit and tags, as a promotion does."""
    release = {
        "image": None,
        "deploy": f"sh {site.path / 'deploy.sh'}",
        "url": site.url,
        "patience": patience,
        "public_key": "deploy/signing.pub",
        "identity": None,
        "issuer": "https://issuer.example.com",
    }
    values = toy_values(release=release, **{"train.holdout": 120})
    (site.path / "work/params.yaml").write_text(yaml.safe_dump(values))
    site.run("dvc", "repro", "--quiet", "package")
    site.run("dvc", "push", "--quiet")
    site.run("git", "add", ".")
    site.run("git", "commit", "--quiet", "--message", "feat: a champion", **ANN)
    register = "from keepfit.registry import register; register('HEAD', stage='staging', message='a champion')"
    site.run(sys.executable, "-c", register, **ANN)
    site.run("git", "push", "--quiet", "origin", "HEAD:refs/heads/main", "--tags")


def train_and_promote(site: Site) -> None:
    """Make a bare repository and a DVC remote with the champion as v0.1.0 and v0.2.0, and a clone."""
    path = site.path
    site.run("git", "init", "--quiet", "--bare", "--initial-branch", "main", ".", cwd="origin.git")
    site.run("git", "clone", "--quiet", str(ROOT), str(path / "work"), cwd=".")
    site.run("git", "remote", "set-url", "origin", str(path / "origin.git"))
    for tag in site.run("git", "tag").split():
        site.run("git", "tag", "--delete", tag)
    toy_rows(600).to_csv(path / "work/toy.csv", index=False)
    shutil.copy(path / "signing.pub", path / "work/deploy/signing.pub")
    site.run("dvc", "remote", "add", "--default", "storage", str(path / "remote"))
    _promote(site, patience=120)
    _promote(site, patience=3)


def import_base(site: Site) -> None:
    """Make the base image: Debian 12 and its Python 3.11."""
    packages = ("--variant=minbase", "--include=python3,python3-venv")
    site.run("mmdebstrap", "--quiet", *packages, "bookworm", "base.tar", cwd=".")
    container = site.run("buildah", "from", "scratch", cwd=".").strip()
    site.run("buildah", "add", "--quiet", container, "base.tar", "/", cwd=".")
    site.run("buildah", "commit", "--quiet", container, "localhost/keepfit-base:bookworm", cwd=".")
    site.run("buildah", "rm", container, cwd=".")
    (site.path / "base.tar").unlink()


def fetch_wheels(site: Site) -> None:
    """Fetch the libraries once; the workflow's runs take them from here."""
    fetch = ["download", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
    lock = str(ROOT / "requirements/service.txt")
    pip = [sys.executable, "-m", "pip", *fetch, "--requirement", lock, "--dest", str(site.path / "wheels")]
    subprocess.run(pip, check=True, capture_output=True)


@contextmanager
def open_site(folder: Path) -> Iterator[Site]:
    """The site, with its registry, its base image and the wheels; all that it started is stopped in the end."""
    with start_registry(folder) as registry:
        site = _begin(folder, registry)
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(part, site) for part in (train_and_promote, import_base, fetch_wheels)]:
                done.result()
        try:
            yield site
        finally:
            site.run(*podman(), "rm", "--force", f"keepfit-{site.port}", status=None)
            # Two gigabytes that pytest would keep.
            shutil.rmtree(folder / "graph", ignore_errors=True)
