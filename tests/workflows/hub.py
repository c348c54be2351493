"""A hub for the workflow tests: a bare repository, an S3 server, a recorder in place of GitHub's API, and act."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import yaml

from tests.workflows.bucket import KEYS, Bucket
from tests.workflows.recorder import Recorder

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github/workflows"
CHECKOUT = """\
git init --quiet --initial-branch main .
git remote add origin "$HUB"
git fetch --quiet --tags origin
git checkout --quiet -B main origin/main
"""


@dataclass
class Hub:
    """What one test has for itself: the repository, the source of the shop's orders, GitHub's API."""

    folder: Path
    bucket: Bucket
    recorder: Recorder
    api: ThreadingHTTPServer

    @property
    def bare(self) -> Path:
        return self.folder / "hub.git"

    @property
    def source(self) -> Path:
        return self.folder / "shop.csv"

    def sell(self, orders: pd.DataFrame) -> None:
        """Put these orders into the source."""
        orders.to_csv(self.source, index=False)

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.bare), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def read(self, path: str, revision: str = "main") -> str:
        return self.git("show", f"{revision}:{path}")

    @property
    def head(self) -> str:
        return self.git("rev-parse", "main")

    @property
    def tags(self) -> list[str]:
        return self.git("tag", "--list").split()

    def trail(self, revision: str = "main") -> list[dict]:
        found = subprocess.run(
            ["git", "-C", str(self.bare), "show", f"{revision}:reports/audit.jsonl"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return [json.loads(line) for line in found.stdout.splitlines()]

    def clone(self, name: str) -> Path:
        """Return a clone without anything that DVC tracks."""
        path = self.folder / name
        subprocess.run(["git", "clone", "--quiet", str(self.bare), str(path)], check=True)
        for key, value in {"name": "A colleague", "email": "colleague@example.com"}.items():
            subprocess.run(["git", "-C", str(path), "config", f"user.{key}", value], check=True)
        return path

    def set(self, file: str, old: str, new: str) -> str:
        """Change a setting on main, as a colleague would; return the commit."""
        path = self.clone(f"colleague-{self.head[:8]}")
        text = (path / file).read_text()
        assert old in text
        (path / file).write_text(text.replace(old, new))
        self.run(path, "make", "params")
        # The champion does not depend on what the tests change, and the lock says so.
        self.run(path, "dvc", "pull")
        self.run(path, "dvc", "commit", "--force", "--quiet")
        self.run(path, "git", "commit", "--quiet", "-am", f"chore: {new}")
        self.run(path, "git", "push", "--quiet", "origin", "HEAD:main")
        return self.head

    def rival(self, file: str, old: str, new: str) -> str:
        """Let another push of a changed file come first, at the moment when main is pushed; return its commit."""
        before = self.head
        commit = self.set(file, old, new)
        self.git("update-ref", "refs/heads/main", before)
        hook = self.bare / "hooks/pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(
            "#!/bin/sh\n"
            "grep -q refs/heads/main || exit 0\n"
            "[ -e came-first ] && exit 0\n"
            "touch came-first\n"
            f"env -u GIT_QUARANTINE_PATH git update-ref refs/heads/main {commit}\n"
        )
        hook.chmod(0o755)
        return commit

    def run(self, path: Path, *command: str, status: int | None = 0, key: str = "writer", **more: str) -> str:
        """Run a command in a clone; return what it printed."""
        done = subprocess.run(
            command, cwd=path, env={**self.environment(key), **more}, capture_output=True, text=True, timeout=600,
            check=False,
        )  # fmt: skip
        printed = done.stdout + done.stderr
        assert status is None or done.returncode == status, printed[-6000:]
        return printed

    def environment(self, key: str = "writer") -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "AWS_"))}
        return {
            **kept,
            "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
            "VENV": sys.prefix,
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": KEYS[key],
            "SHOP_ORDERS": str(self.source),
            "COLUMNS": "200",
        }

    def act(self, event: str, workflow: str, *, inputs: dict | None = None, key: str = "writer", name: str = "runner",
            status: int | None = 0, **variables: str) -> str:  # fmt: skip
        """Run a workflow for an event in a fresh clone, as a runner would; return its log."""
        path = self.clone(name)
        # GitHub's events hold inputs as text, those of boolean type too.
        texts = {key: str(value).lower() if isinstance(value, bool) else value for key, value in (inputs or {}).items()}
        payload = {"repository": {"default_branch": "main"}, "inputs": texts}
        (self.folder / f"{name}.json").write_text(json.dumps(payload))
        command = [
            "act", event, "-W", f".github/workflows/{workflow}", "-P", "ubuntu-24.04=-self-hosted", "--pull=false",
            "--cache-server-addr", "127.0.0.1", "-e", str(self.folder / f"{name}.json"), "-s", "GITHUB_TOKEN=a-token",
            "--var", "KEEPFIT_LOOP=on", "--actor", "keepfit[bot]",
        ]  # fmt: skip
        for action in pinned_actions():
            command += ["--local-repository", f"{action}={stand_in(self.folder, action)}"]
        for variable, value in {
            "VENV": sys.prefix,
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": KEYS[key],
            "GITHUB_API_URL": f"http://127.0.0.1:{self.api.server_port}",
            "GITHUB_REPOSITORY": "a-team/shop",
            "SHOP_ORDERS": str(self.source),
            "HUB": str(self.bare),
            "COLUMNS": "200",
            **variables,
        }.items():
            command += ["--env", f"{variable}={value}"]
        log = self.run(path, *command, status=None, HOME=str(self.folder))
        failed = "Job failed" in log
        assert status is None or failed == bool(status), log[-8000:]
        return log


def pinned_actions() -> list[str]:
    """The actions that the workflows name."""
    found: set[str] = set()
    for file in WORKFLOWS.glob("*.yml"):
        jobs = yaml.safe_load(file.read_text())["jobs"].values()
        found |= {step["uses"] for job in jobs for step in job.get("steps", []) if "uses" in step}
    return sorted(found)


def stand_in(folder: Path, action: str) -> Path:
    """A folder with an action in the place of one that cannot be fetched: it checks out, or does nothing."""
    script = CHECKOUT if action.startswith("actions/checkout@") else "true\n"
    path = folder / ("checkout" if script is CHECKOUT else "stand-in")
    path.mkdir(exist_ok=True)
    steps = [{"run": script, "shell": "sh"}]
    text = {"name": "stand-in", "description": "stand-in", "runs": {"using": "composite", "steps": steps}}
    (path / "action.yml").write_text(yaml.safe_dump(text))
    return path


def copy_hub(seed: Hub, folder: Path) -> Hub:
    """A hub of a test's own; what is in the bucket is shared, since it is named by its content."""
    recorder = Recorder()
    hub = Hub(folder, seed.bucket, recorder, recorder.serve())
    shutil.copytree(seed.bare, hub.bare)
    return hub
