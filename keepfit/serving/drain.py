"""Drain: the journal's segments moved into the database, by a process of its own; `python -m keepfit.serving.drain`."""

import argparse
import fcntl
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from keepfit.errors import LogError
from keepfit.serving.drainer import Drainer
from keepfit.serving.journal import find_segments
from keepfit.serving.location import JOURNAL, LOCK, read_folder, read_url
from keepfit.serving.mover import FINISH, GRACE
from keepfit.serving.segment import remove_unborn
from keepfit.serving.tables import open_log

logger = logging.getLogger("keepfit.log")
# Seconds between two looks at the journal, and between two tries where the database does not answer.
EVERY, SOONEST, LATEST = 0.25, 0.5, 10.0


def follow(drainer: Drainer, stop: threading.Event, *, parent: int | None = None) -> None:
    """Drain until told to stop, or until the parent is gone; wait out a database that does not answer."""
    pause = SOONEST
    remove_unborn(drainer.folder / JOURNAL)
    while not stop.is_set() and parent in (None, os.getppid()):
        try:
            drainer.drain()
        except (SQLAlchemyError, OSError) as error:
            _note(drainer, error)
            stop.wait(pause)
            pause = min(2 * pause, LATEST)
        else:
            pause = SOONEST
            stop.wait(EVERY)


def finish(drainer: Drainer, *, seconds: float = GRACE) -> bool:
    """Drain until every segment is closed and gone, or the time is up; return whether nothing is left."""
    until = time.monotonic() + seconds
    while True:
        try:
            drainer.drain()
        except (SQLAlchemyError, OSError) as error:
            _note(drainer, error)
        drainer.leave_status(every=0)
        if not find_segments(drainer.folder / JOURNAL):
            return True
        if time.monotonic() > until:
            return False
        time.sleep(0.1)


@contextmanager
def drain_lock(folder: Path) -> Iterator[bool]:
    """Hold the folder's lock, so that one process moves what is in it; yield whether it was free."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _note(drainer: Drainer, error: SQLAlchemyError | OSError) -> None:
    if isinstance(error, SQLAlchemyError):
        drainer.fail(error)
    else:
        logger.error("the journal cannot be moved: %s", error)


def main() -> int:
    """Drain as a child of a worker until it ends, or SIGTERM comes, and then what is left; with --finish only that."""
    parser = argparse.ArgumentParser(prog="python -m keepfit.serving.drain", description=main.__doc__)
    # Whoever starts it may be gone before it can ask who that is.
    parser.add_argument("--parent", type=int, help="the process whose end is its own")
    parser.add_argument(FINISH, action="store_true", help="move what is there and end")
    asked = parser.parse_args()
    folder = read_folder(os.environ)
    # On a machine with few cores the requests come first.
    os.nice(10)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with drain_lock(folder) as free:
        if not free:
            return 0
        try:
            drainer = Drainer(folder, open_log(read_url(os.environ, folder)))
        except LogError as error:
            logger.error("%s", error)
            return 1
        if not asked.finish:
            follow(drainer, stop, parent=asked.parent)
        return 0 if finish(drainer) else 2


if __name__ == "__main__":
    sys.exit(main())
