"""Exposition: what all processes of a service counted, as the text that Prometheus reads.

A scrape meets one process of several. So each leaves what it counted in a file of its own every second, and the one
that is asked adds up all of them.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from keepfit.files import replacing

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
# Seconds between two writings.
EVERY = 1.0


class Sample(msgspec.Struct):
    """One value: the suffix to the family's name, its labels, the number."""

    suffix: str
    labels: dict[str, str]
    value: float


class Family(msgspec.Struct):
    """Samples that belong together; those of several processes are added up, or the largest is taken."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    samples: list[Sample]
    across: Literal["sum", "max"] = "sum"


class Board:
    """A folder in which each process of a service leaves what it counted."""

    def __init__(self, folder: Path | None, *, process: int | None = None) -> None:
        self.folder = folder
        self._process = process or os.getpid()
        if folder:
            folder.mkdir(parents=True, exist_ok=True)

    def leave(self, families: list[Family]) -> None:
        """Write what this process counted."""
        if self.folder:
            with replacing(self.folder / f"{self._process}.json") as partial:
                partial.write_bytes(msgspec.json.encode(families))

    def gather(self, families: list[Family]) -> list[Family]:
        """Return what this process counted, and all others of the service: gauges of those that live alone."""
        others = []
        for file in sorted(self.folder.glob("*.json")) if self.folder else ():
            if file.stem != str(self._process):
                told = msgspec.json.decode(file.read_bytes(), type=list[Family])
                lives = Path("/proc", file.stem).exists()
                others.append([each for each in told if lives or each.kind != "gauge"])
        return add_up([families, *others])


def add_up(told: Iterable[list[Family]]) -> list[Family]:
    """Return the families of several processes as one."""
    merged: dict[str, Family] = {}
    places: dict[tuple[str, str, tuple[tuple[str, str], ...]], Sample] = {}
    for family in (each for families in told for each in families):
        into = merged.setdefault(family.name, msgspec.structs.replace(family, samples=[]))
        for sample in family.samples:
            place = family.name, sample.suffix, tuple(sample.labels.items())
            if (known := places.get(place)) is None:
                places[place] = kept = Sample(sample.suffix, sample.labels, sample.value)
                into.samples.append(kept)
            elif family.across == "max":
                known.value = max(known.value, sample.value)
            else:
                known.value += sample.value
    return list(merged.values())


def write_text(families: list[Family]) -> bytes:
    """Return families in Prometheus' text format."""
    from prometheus_client import CollectorRegistry, Metric, generate_latest

    metrics = []
    for family in families:
        metric = Metric(family.name, family.help, family.kind)
        for sample in family.samples:
            metric.add_sample(family.name + sample.suffix, sample.labels, sample.value)
        metrics.append(metric)
    registry = CollectorRegistry()
    registry.register(_Collected(metrics))
    return generate_latest(registry)


class _Collected:
    def __init__(self, metrics: list) -> None:
        self._metrics = metrics

    def collect(self) -> list:
        return self._metrics


def process_families(started: float) -> list[Family]:
    """Return the memory of this process, and since when it runs."""
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return [
        Family("process_resident_memory_bytes", "gauge", "Memory of all processes.", [Sample("", {}, resident)]),
        Family(
            "process_start_time_seconds", "gauge", "When the newest process began.", [Sample("", {}, started)], "max"
        ),
    ]
