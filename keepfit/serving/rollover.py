"""Rollover: another champion takes the place of the one that serves, without a request that fails for it.

It is copied, verified, loaded and warmed up beside the old one, and then takes its place in one assignment. What is
broken, half-written, untrusted or of other code is refused, and the old one serves on. The first one is a copy too:
what is read of it later is what was verified, whatever lies in its folder by then.
"""

import gc
import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from keepfit.bundle import NONE, PASSPORT, Bundle, read_bundle
from keepfit.errors import RolloverError
from keepfit.files import hash_file
from keepfit.servable import SERVING, read_servable
from keepfit.serving.copies import PREFIX, State, load_copy, look_at, remove_orphans
from keepfit.serving.origin import Origin

log = logging.getLogger("bentoml.keepfit.rollover")
IN_BENTO = Path("src/champion")
# In messages the name of the copy's folder says nothing, and is another each time.
SCRATCH = re.compile(rf"[^\s']*/{PREFIX}\w+/bundle/?")


class Loaded(Protocol):
    """What is loaded from a bundle."""

    @property
    def digest(self) -> str:
        """Of its passport."""


One = TypeVar("One", bound=Loaded)


class Place(Generic[One]):
    """A folder in which a bundle lies, and what of it serves."""

    def __init__(
        self, folder: Path, *, load: Callable[[Path], One], install: Callable[[One | None], None], optional: bool
    ) -> None:
        """`load` makes of a verified folder what serves, `install` puts it there; an optional one may be gone."""
        self.folder, self._load, self._install, self._optional = folder, load, install, optional
        self.taken = self.refused = 0
        # Why what lies there now does not serve.
        self.why: str | None = None
        self._digest: str | None = None
        self._seen: State | None = None
        self._settled: State | None = None

    def begin(self, load: Callable[[Path], One]) -> One:
        """Return what `load` makes of the bundle that lies there at the start; raise KeepfitError and OSError."""
        remove_orphans()
        folder = find_bundle(self.folder)
        # As it was before it is read: what takes its place in the meantime is something new.
        self._seen = self._settled = look_at(folder)
        found = load_copy(folder, lambda copy: load(verify(copy).folder))
        self._digest = found.digest
        return found

    def look(self, origin: Origin) -> None:
        """Take up what is new in the folder, once it has stood still from one look to the next."""
        folder = find_bundle(self.folder)
        state = look_at(folder)
        if state == self._settled or state != self._seen:
            self._seen = state
            return
        self._settled = state
        if not state or (folder / NONE).exists():
            self._leave()
            return
        try:
            self._take_up(folder, origin)
        except Exception as error:  # noqa: BLE001 - whatever lies there, the old one serves on
            self._refuse(folder, error)

    def _refuse(self, folder: Path, error: Exception) -> None:
        why = SCRATCH.sub("", " ".join(f"{type(error).__name__}: {error}".split()))[:500]
        if isinstance(error, OSError):
            # A full disk may have room again, though nothing changes here: it is tried again, and told once.
            self._settled = None
            if why == self.why:
                return
        self.refused += 1
        self.why = why
        log.error("%s: refused, %s serves on: %s", folder, (self._digest or "nothing")[:12], why)

    def _take_up(self, folder: Path, origin: Origin) -> None:
        with eager_switching():
            found = load_copy(folder, partial(self._load_another, folder, origin))
            if found is not None:
                self._install(found)
                log.warning("%s: %s takes the place of %s", folder, found.digest[:12], (self._digest or "nothing")[:12])
                self._digest = found.digest
                self.taken += 1
                # Now, and not while requests wait; what stays is not walked over again.
                gc.collect()
                gc.freeze()
        self.why = None

    def _load_another(self, folder: Path, origin: Origin, copy: Path) -> One | None:
        bundle = verify(copy)
        if bundle.digest == self._digest:
            return None
        origin.check(folder, bundle.passport)
        return self._load(copy)

    def _leave(self) -> None:
        if self._optional and self._digest is not None:
            log.warning("%s: gone; %s leaves its place", self.folder, self._digest[:12])
            self._install(None)
            self._digest = None
        elif not self._optional:
            self.why = f"{self.folder}: no champion there"
            log.error("%s; %s serves on, a restart would fail", self.why, (self._digest or "nothing")[:12])


def find_bundle(folder: Path) -> Path:
    """Return where the bundle lies: in `src/champion` of a Bento, or in the folder itself."""
    return folder / IN_BENTO if (folder / IN_BENTO).is_dir() else folder


def verify(folder: Path) -> Bundle:
    """Read a bundle after checking the hash of each file that is there; raise KeepfitError.

    A Bento has some of a bundle's files, and those that serve are never missing.
    """
    names = tuple(each.name for each in folder.iterdir())
    if PASSPORT not in names:
        raise RolloverError(f"{folder / PASSPORT}: not there")
    bundle = read_bundle(folder, only=("model.skops", "schema.json", *names))
    if (folder / SERVING).exists():
        read_servable(folder)
    if (found := hash_file(folder / PASSPORT)) != bundle.digest:
        raise RolloverError(f"{PASSPORT} changed while it was read: {found}")
    return bundle


@contextmanager
def eager_switching() -> Iterator[None]:
    """Let requests have the interpreter ten times as soon while a champion is loaded beside them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, 0.0005))
    try:
        yield
    finally:
        sys.setswitchinterval(before)
