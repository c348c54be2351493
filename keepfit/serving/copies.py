"""Copies: what serves is loaded from a copy of its folder, whatever is put in the folder's place.

A copy is locked for as long as it is in use. The lock goes with the process, however it ends: a copy that is not locked
is of a worker that was killed, and goes when another one starts.
"""

import fcntl
import os
import shutil
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TypeVar

Found = TypeVar("Found")
PREFIX = "keepfit-copy-"
# Seconds in which a copy that was just made gets its lock.
UNLOCKED = 60.0


def load_copy(folder: Path, load: Callable[[Path], Found]) -> Found:
    """Return what `load` makes of a copy of a folder, which is there for as long as what was made of it.

    Raises OSError, and what `load` raises.
    """
    with ExitStack() as kept:
        scratch = Path(kept.enter_context(TemporaryDirectory(prefix=PREFIX)))
        kept.enter_context(_locked(scratch))
        copy = scratch / "bundle"
        shutil.copytree(folder, copy)
        found = load(copy)
        if found is not None:
            weakref.finalize(found, kept.pop_all().close)
        return found


def remove_orphans() -> None:
    """Remove the copies of workers that were killed."""
    for scratch in Path(gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if time.time() - scratch.stat().st_mtime > UNLOCKED:
                with _locked(scratch):
                    shutil.rmtree(scratch)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock; raise OSError where somebody else does."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(number)
