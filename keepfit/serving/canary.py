"""Canary: a share of the requests is answered by the challenger, until it errs or slows more than the champion."""

import json
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from keepfit.section import Section
from keepfit.serving.options import ServiceOptions
from keepfit.serving.share import in_share
from keepfit.serving.sliding import SlidingWindow

log = logging.getLogger("bentoml.keepfit.canary")
Reason = Literal["errors", "latency"]
REASONS: tuple[Reason, ...] = ("errors", "latency")
# How often latencies are compared, in answers, and from how many on.
EVERY, ENOUGH = 20, 50
# Seconds by which two latencies may always differ: less is the scheduler's.
NOISE = 0.001
QUANTILE = 0.95
# In the folder of the log, where no other file is named.
MARKER = "canary_off.json"


class Fallback(Section):
    """Why a challenger no longer answers; kept in a file, so that other workers and a restart heed it."""

    digest: str
    reason: Reason
    why: str
    at: str


class Canary:
    """The share of one challenger, with what it and the champion did lately."""

    def __init__(
        self, options: ServiceOptions, marker: Path | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.options = options
        self.off: Fallback | None = None
        self.fallbacks: dict[Reason, int] = dict.fromkeys(REASONS, 0)
        self._marker, self._clock = marker, clock
        self._digest = ""
        self._kept = False
        self._champion = SlidingWindow(size=options.canary_answers, seconds=options.canary_seconds)
        self._challenger = SlidingWindow(size=options.canary_answers, seconds=options.canary_seconds)
        self._since = 0
        # Answers are seen from the event loop and from threads.
        self._lock = threading.Lock()

    def watch(self, digest: str) -> None:
        """Begin anew with this challenger, unless it fell back before."""
        self._digest, self.off, self._kept = digest, None, False
        self._forget()
        self.heed()

    def chooses(self, *, request: str, key: str) -> bool:
        """Tell whether the challenger answers this request."""
        options = self.options
        if self.off or not options.canary or not self._digest:
            return False
        return in_share(key if options.canary_by == "key" else request, options.canary, salt=self._digest)

    def see_champion(self, took: float, *, failed: bool = False) -> None:
        """Take note of an answer of the champion, in seconds."""
        with self._lock:
            self._champion.add(self._clock(), took=took, failed=failed)

    def see_challenger(self, took: float, *, failed: bool = False) -> None:
        """Take note of an answer of the challenger; it may be its last."""
        with self._lock:
            now = self._clock()
            self._challenger.add(now, took=took, failed=failed)
            self._champion.forget(now)
            self._since += 1
            if failed:
                self._judge_errors()
            elif self._since >= EVERY:
                self._since = 0
                self._judge_latency()

    def heed(self) -> None:
        """Heed a fall-back that another worker wrote, or that an operator took back by removing the file."""
        if self._marker is None or not self._digest:
            return
        told = read_fallback(self._marker)
        if told is not None and told.digest == self._digest:
            if self.off is None:
                log.warning("canary %s is off: %s", self._digest[:12], told.why)
            self.off, self._kept = told, True
        elif self._kept:
            log.warning("canary %s answers again: %s is gone", self._digest[:12], self._marker)
            self.off, self._kept = None, False
            self._forget()

    def _judge_errors(self) -> None:
        # A whole window's worth of errors need not be waited for: so many are too many whatever follows.
        most, seen = self.options.canary_answers, self._challenger
        allowed = (self._champion.failed_share + self.options.canary_errors) * most
        if seen.failed > allowed:
            why = f"{seen.failed} of its last {len(seen)} answers failed; allowed: {allowed:g} of {most}"
            self._fall_back("errors", why)

    def _judge_latency(self) -> None:
        if min(len(self._champion), len(self._challenger)) < ENOUGH:
            return
        ours, theirs = self._champion.quantile(QUANTILE), self._challenger.quantile(QUANTILE)
        if theirs > max(self.options.canary_slower * ours, ours + NOISE):
            why = (
                f"the slowest twentieth takes {1e3 * theirs:.2f} ms and more, the champion's {1e3 * ours:.2f} ms;"
                f" allowed: {self.options.canary_slower:g} times"
            )
            self._fall_back("latency", why)

    def _fall_back(self, reason: Reason, why: str) -> None:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.off = Fallback(digest=self._digest, reason=reason, why=why, at=at)
        self.fallbacks[reason] += 1
        log.error("canary %s fell back to the champion: %s", self._digest[:12], why)
        if self._marker is not None:
            self._kept = _write(self._marker, self.off)

    def _forget(self) -> None:
        with self._lock:
            self._champion.clear()
            self._challenger.clear()
            self._since = 0


def read_fallback(marker: Path) -> Fallback | None:
    """Return the fall-back that a file tells of; None where there is no file, or none that can be read."""
    try:
        return Fallback.model_validate_json(marker.read_bytes())
    except (OSError, ValueError):
        return None


def _write(marker: Path, fallback: Fallback) -> bool:
    partial = marker.with_name(f".{marker.name}.{time.monotonic_ns()}")
    try:
        partial.write_text(json.dumps(fallback.model_dump(), indent=2) + "\n")
        partial.replace(marker)
    except OSError as error:
        log.error("%s: not written, a restart begins the canary anew: %s", marker, error)
        return False
    return True
