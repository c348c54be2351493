"""Repository: the Git commands that the loop needs, and who runs them."""

import os
import re
import subprocess
from pathlib import Path

from keepfit.errors import RepositoryError

COMPLAINT = re.compile(r"remote:|!|fatal:|error:|ERROR:", re.IGNORECASE)
BOT = ("-c", "user.name=keepfit", "-c", "user.email=keepfit@users.noreply.github.com")


def git(*arguments: str, index: Path | None = None) -> str:
    """Run a Git command, on another index where one is named, and return what it printed, without the last line's end.

    Raises RepositoryError.
    """
    done = try_git(*arguments, index=index)
    if done.returncode:
        raise RepositoryError(f"git {arguments[0]} ended with status {done.returncode}: {last_words(done.stderr)}")
    return done.stdout.removesuffix("\n")


def try_git(*arguments: str, index: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a Git command that may fail; it never asks for a password."""
    other = {} if index is None else {"GIT_INDEX_FILE": str(index)}
    return subprocess.run(
        ["git", *arguments],  # noqa: S607 - the user's Git
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **other, "GIT_TERMINAL_PROMPT": "0"},
    )


def last_words(printed: str, lines: int = 3) -> str:
    """Return as one line what a command complained of, or the end of what it printed where it named no error."""
    told = [line.strip() for line in printed.splitlines() if line.strip() and not line.startswith("hint:")]
    complaints = [line for line in told if COMPLAINT.match(line) and "failed to push some refs" not in line]
    return " | ".join((complaints or told)[-lines:])


def read_at(revision: str, path: str) -> str | None:
    """Return a file's text at a revision, or None where it is not there."""
    done = try_git("show", f"{revision}:{path}")
    return done.stdout if done.returncode == 0 else None


def find_commit(revision: str) -> str | None:
    """Return the full hash of a commit, tag or branch, or None."""
    done = try_git("rev-parse", "--quiet", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    return done.stdout.strip() if done.returncode == 0 else None


def has_origin() -> bool:
    """Whether there is a remote repository `origin`."""
    return "origin" in git("remote").split()


def who() -> str:
    """Return who acts: the user that GitHub names, or the e-mail address of Git's configuration."""
    if actor := os.environ.get("GITHUB_ACTOR"):
        return actor
    return try_git("config", "user.email").stdout.strip() or "unknown"


def run_address() -> str | None:
    """Return the web address of the workflow run, or None outside one."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, number = (os.environ.get(name) for name in names)
    return f"{server}/{repository}/actions/runs/{number}" if server and repository and number else None


def author() -> tuple[str, ...]:
    """Return the options that name an author, where Git's configuration names none."""
    return () if try_git("config", "user.email").stdout.strip() else BOT
