"""Mover: the drainer as a process beside a worker: one a folder, started again where it ends."""

import fcntl
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keepfit.serving.location import FOLDER_VARIABLE, LOCK, STATUS, settle

if TYPE_CHECKING:
    # What the child runs belongs into the package, and what it imports not into this process.
    from keepfit.serving import drain  # noqa: F401

logger = logging.getLogger("bentoml.keepfit.log")
ROOT = Path(__file__).resolve().parent.parent.parent
# Seconds that the drainer has at the end for what is left.
GRACE = 10.0
# Given to a drainer that moves what is left and ends.
FINISH = "--finish"
# Seconds between two starts of a drainer that cannot work, in the end.
LONGEST = 60.0


@dataclass
class Status:
    """What the drainer did and met since it started, and what waited when it last looked."""

    at: float = 0.0
    moved: int = 0
    torn: int = 0
    refused: int = 0
    failures: int = 0
    waiting: int = 0
    waiting_bytes: int = 0
    # What the database said when it last failed; None since it answers.
    error: str | None = None


def read_status(folder: Path) -> Status | None:
    """Return what the drainer last left, or None."""
    try:
        return Status(**json.loads((folder / STATUS).read_text()))
    except (OSError, ValueError, TypeError):
        return None


class Mover:
    """Sees to it that a drainer runs for a folder, whichever of the workers started it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._pause = self._not_before = 0.0

    def tend(self) -> None:
        """Start a drainer where none runs; called every second."""
        if self._process is not None:
            status = self._process.poll()
            if status is None:
                return
            self._process = None
            # One that cannot work is not started every second.
            self._pause = min(2 * self._pause + 1, LONGEST) if status else 0.0
            self._not_before = time.monotonic() + self._pause
            if status:
                logger.error(
                    "the drainer of %s ended with status %d; another one starts in %g s",
                    self.folder,
                    status,
                    self._pause,
                )
        if time.monotonic() >= self._not_before and self._is_free():
            self._process = self._start()

    def stop(self, left: Callable[[], Sequence[Path]]) -> None:
        """Have what is left moved, and wait for it: by its own drainer, or that of another worker, or one for that.

        `left` tells which segments of this worker are still there. Its own drainer may have been told to end before it
        could listen, and that of another worker may have ended before this one closed its journal.
        """
        until = time.monotonic() + GRACE + 5
        process, self._process = self._process, None
        if process:
            process.terminate()
        while (process or left()) and time.monotonic() < until:
            if process is None and self._is_free():
                process = self._start(FINISH)
            if process and _wait(process, until - time.monotonic()) > 0:
                # The database fails: what it did not move stays in the journal for the next start.
                return
            process = None
            time.sleep(0.05)

    def _is_free(self) -> bool:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / LOCK).open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _start(self, *options: str) -> subprocess.Popen[bytes] | None:
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        env = settle(os.environ) | {FOLDER_VARIABLE: str(self.folder.resolve()), "PYTHONPATH": path}
        command = [sys.executable, "-m", "keepfit.serving.drain", "--parent", str(os.getpid()), *options]
        try:
            # In a session of its own: Ctrl-C is for the server, which then tells it.
            return subprocess.Popen(command, env=env, cwd=self.folder, stdin=subprocess.DEVNULL, start_new_session=True)
        except OSError:
            return None


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int:
    """Return how a process ended; it is killed where it does not."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
