"""Collector: how often a process of Keepfit looks for cycles of garbage."""

import atexit
import gc

USUAL = gc.get_threshold()


def collect_seldom() -> None:
    """Look seldom, and not when the process ends: for one that imports for longer than it works.

    It makes objects for good by the hundred thousand as it imports: at Python's own threshold the collector looks
    through them again and again, which is a quarter of the start; and once more at the end, in 0.2 s.
    """
    gc.set_threshold(5_000, 10, 10)
    atexit.register(gc.freeze)


def collect_as_usual() -> None:
    """Look as often as Python does: before work by parts, whose columns are in cycles.

    A series that was asked for `.dt` refers to itself, so the times of each part would stay for hundreds of others.
    """
    gc.set_threshold(*USUAL)
