"""Small Git repositories for the tests of what the loop does with Git."""

import subprocess
from pathlib import Path

import pytest


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def make_hub(folder: Path) -> Path:
    """A bare repository with one commit on main."""
    hub = folder / "hub.git"
    run(folder, "init", "--quiet", "--bare", "--initial-branch", "main", str(hub))
    first = clone(hub, folder / "first")
    for name in ("reports/shop/gate.json", "conf/config.yaml", "README.md"):
        (first / name).parent.mkdir(parents=True, exist_ok=True)
        (first / name).write_text("{}\n")
    commit(first, "feat: begin")
    run(first, "push", "--quiet", "origin", "HEAD:main")
    return hub


def clone(hub: Path, path: Path) -> Path:
    run(path.parent, "clone", "--quiet", str(hub), str(path))
    run(path, "config", "user.name", "Ann")
    run(path, "config", "user.email", "ann@example.com")
    return path


def commit(folder: Path, message: str) -> str:
    run(folder, "add", "--all")
    run(folder, "commit", "--quiet", "--allow-empty", "-m", message)
    return run(folder, "rev-parse", "HEAD")


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a repository as a person would, outside of any workflow."""
    for name in ("GITHUB_ACTOR", "GITHUB_RUN_ID", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)
    return folder
