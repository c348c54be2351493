"""A clean clone of the committed repository, taken once through `make repro`."""

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Clone:
    """A clone and the environment that its commands run in, which is this one's."""

    path: Path

    def run(self, *command: str, status: int | None = 0) -> str:
        """Run a command as a user would; return what it printed."""
        done = subprocess.run(
            command,
            cwd=self.path,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )
        printed = done.stdout + done.stderr
        assert status is None or done.returncode == status, printed
        return printed

    @property
    def environment(self) -> dict[str, str]:
        venv = sys.prefix
        # What the `make test-slow` that runs the tests tells its own children is not for a user's make.
        inherited = {
            name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
        }
        return {**inherited, "PATH": f"{venv}/bin:{inherited['PATH']}", "VENV": venv, "COLUMNS": "160"}

    def start(self, *command: str) -> subprocess.Popen:
        """Start a command in a process group of its own."""
        return subprocess.Popen(command, cwd=self.path, env=self.environment, start_new_session=True)

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()


def wait_until_ready(url: str, server: subprocess.Popen, patience: float = 60) -> None:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        assert server.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(f"{url}/readyz", timeout=1)
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"not ready after {patience} s")


def make_clone(path: Path) -> Clone:
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(path)], check=True)
    clone = Clone(path)
    clone.run("git", "config", "user.name", "A newcomer")
    clone.run("git", "config", "user.email", "newcomer@example.com")
    return clone


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in which nothing has run yet; tests that use it must leave it so."""
    return make_clone(tmp_path_factory.mktemp("fresh") / "keepfit")


@pytest.fixture(scope="session")
def reproduced(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Clone:
    """A clone after `make repro`: made once, and copied for each worker, since its tests change it and back."""
    if worker_id == "master":
        return reproduce(tmp_path_factory.mktemp("clone"))
    shared = tmp_path_factory.getbasetemp().parent / "reproduced"
    with FileLock(f"{shared}.lock"):
        if not shared.exists():
            reproduce(tmp_path_factory.mktemp("first")).path.rename(shared)
    return Clone(Path(shutil.copytree(shared, tmp_path_factory.mktemp("clone") / "keepfit", symlinks=True)))


def reproduce(folder: Path) -> Clone:
    clone = make_clone(folder / "keepfit")
    clone.run("make", "repro")
    return clone
