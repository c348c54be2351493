"""Faults of the soak: a database that goes and comes back, and champions that take each other's place."""

import contextlib
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from keepfit.files import hash_file, read_json, write_json

Fault = Callable[[], object]


@contextmanager
def database(scratch: Path) -> Iterator[tuple[str, Fault, Fault]]:
    """Return the URL of a database, what takes it away, and what brings it back."""
    from tests.service.postgres import find_binaries, running_postgres

    binaries = find_binaries()
    if binaries:
        with running_postgres(binaries) as server:
            yield server.url, server.kill, server.start
        return
    path = scratch / "log.sqlite"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        yield f"sqlite:///{path}", lambda: other.execute("BEGIN EXCLUSIVE"), lambda: other.execute("ROLLBACK")


def prepare_others(bento: Path, scratch: Path) -> list[Path]:
    """Return two champions: the Bento's, and the same estimator under another version and threshold."""
    one, other = scratch / "one", scratch / "other"
    for folder in (one, other):
        shutil.copytree(bento / "src/champion", folder)
    passport = read_json(other / "passport.json")
    write_json(other / "passport.json", {**passport, "version": passport["version"][::-1], "threshold": 0.5})
    if hash_file(other / "passport.json") == hash_file(one / "passport.json"):
        sys.exit("the two champions are one")
    return [one, other]


def replace(place: Path, champion: Path) -> None:
    """Put another champion in the place of one, as a deployment does."""
    made, old = place.with_name("made"), place.with_name("old")
    shutil.copytree(champion, made)
    place.rename(old)
    made.rename(place)
    shutil.rmtree(old)
