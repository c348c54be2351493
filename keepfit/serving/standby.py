"""Standby: a thread that takes up what changes while requests are answered.

A new champion or challenger, a canary that another worker took off, the last drift check.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from keepfit.serving.beside import Beside
from keepfit.serving.exposition import Family, Sample
from keepfit.serving.last_check import LastCheck
from keepfit.serving.origin import Origin
from keepfit.serving.rollover import Place

log = logging.getLogger("bentoml.keepfit.rollover")


class Standby:
    """Looks every few seconds; a look that fails is told, and the next one comes all the same."""

    def __init__(self, origin: Origin, *, champion: Place, challenger: Place | None, beside: Beside | None) -> None:
        self.places = {"champion": champion} | ({"challenger": challenger} if challenger else {})
        self._origin, self._beside = origin, beside
        self._report: LastCheck | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def read_report(self, report: Path) -> None:
        """Tell of the drift report in a file too."""
        self._report = LastCheck(report)

    def look(self) -> None:
        """Look once at everything."""
        for place in self.places.values():
            self._guard(partial(place.look, self._origin))
        if self._beside:
            self._guard(self._beside.canary.heed)
        if self._report:
            self._guard(self._report.look)

    def start(self, seconds: float) -> None:
        """Look now, and every so many seconds."""
        self.look()
        self._thread = threading.Thread(target=self._watch, args=(seconds,), name="keepfit-standby", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        if self._thread:
            self._thread.join(1)
        if self._beside:
            self._beside.shadow.close(seconds=5)

    def families(self) -> Iterator[Family]:
        """Yield what was taken up and refused, and all that is told of a challenger and of drift."""
        samples = [
            Sample("_total", {"role": role, "outcome": outcome}, count)
            for role, place in self.places.items()
            for outcome, count in (("taken", place.taken), ("refused", place.refused))
        ]
        yield Family("keepfit_rollovers", "counter", "Bundles that were taken up or refused.", samples)
        if self._beside:
            yield from self._beside.families()
        if self._report:
            yield from self._report.families()

    def _watch(self, seconds: float) -> None:
        while not self._stop.wait(seconds):
            self.look()

    def _guard(self, look: Callable[[], None]) -> None:
        try:
            look()
        except Exception:
            log.exception("a look at what may have changed failed")
