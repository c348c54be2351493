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

from keepfit.errors import KeepfitError

Found = TypeVar("Found")
State = tuple[tuple[str, int, int, int], ...]
PREFIX = "keepfit-copy-"
# Seconds in which a copy that was just made gets its lock.
UNLOCKED = 60.0


def load_copy(folder: Path, load: Callable[[Path], Found]) -> Found:
    """Return what `load` makes of a copy of a folder, which is there for as long as what was made of it.

    Raises OSError, also where the folder changed while it was copied, and what `load` raises: a KeepfitError names the
    folder's files and not the copy's.
    """
    before = look_at(folder)
    with ExitStack() as kept:
        scratch = Path(kept.enter_context(TemporaryDirectory(prefix=PREFIX)))
        kept.enter_context(_locked(scratch))
        copy = scratch / "bundle"
        shutil.copytree(folder, copy)
        # Not each of its files has its hash in another.
        if look_at(folder) != before:
            raise OSError(f"{folder}: changed while it was copied")
        try:
            found = load(copy)
        except KeepfitError as error:
            raise type(error)(str(error).replace(str(copy), str(folder))) from None
        if found is not None:
            weakref.finalize(found, kept.pop_all().close)
        return found


def look_at(folder: Path) -> State:
    """Return the names, sizes, times and numbers of a folder's files; none where it is not there."""
    try:
        found = [(each.name, each.stat()) for each in folder.iterdir()]
    except OSError:
        return ()
    return tuple(sorted((name, stat.st_size, stat.st_mtime_ns, stat.st_ino) for name, stat in found))


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
