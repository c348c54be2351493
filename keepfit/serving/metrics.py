"""Metrics: plain counters of one process, cheap enough for every request."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from keepfit.section import Task
from keepfit.serving.exposition import Family, Sample

SECONDS = (
    *(0.00005, 0.0001, 0.0002, 0.0003, 0.0005, 0.00075, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05),
    *(0.1, 0.2, 0.5, 1.0, 2.0, 5.0),
)
PROBABILITIES = tuple(number / 20 for number in range(1, 21))
STEPS = tuple(digit * 10.0**power for power in range(-1, 6) for digit in (1, 2, 5))
AMOUNTS = (*(-step for step in reversed(STEPS)), 0.0, *STEPS)


class Histogram:
    """How many values were at most each bound."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = tuple(sorted(bounds))
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def samples(self, labels: dict[str, str]) -> Iterable[Sample]:
        """Yield what Prometheus calls buckets, count and sum."""
        total = 0
        for bound, count in zip((*map(repr, self.bounds), "+Inf"), self.counts, strict=True):
            total += count
            yield Sample("_bucket", {**labels, "le": bound}, total)
        yield Sample("_count", labels, total)
        yield Sample("_sum", labels, self.sum)


@dataclass
class Metrics:
    """What one process counted; `sources` are asked for more when it is told."""

    requests: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: dict[str, Histogram] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    scores: dict[str, Histogram] = field(default_factory=dict)
    sources: list[Callable[[], Iterable[Family]]] = field(default_factory=list)
    _task: Task | None = None

    def count_request(self, path: str, status: int, took: float) -> None:
        """Count a request to a path that there is, and the seconds it took."""
        self.requests[path, status] += 1
        histogram = self.seconds.get(path)
        if histogram is None:
            histogram = self.seconds[path] = Histogram(SECONDS)
        histogram.observe(took)

    def count_row(self, role: str, score: float, unknown: Iterable[str] = ()) -> None:
        """Count a row that the champion (`role`) or another model scored."""
        self.rows[role] += 1
        histogram = self.scores.get(role)
        if histogram is None:
            histogram = self.scores[role] = Histogram(AMOUNTS if self._task == "regression" else PROBABILITIES)
        histogram.observe(score)
        for column in unknown:
            self.unknown[column] += 1

    def expect(self, task: Task) -> None:
        """Begin anew with the scores of a task."""
        if task != self._task:
            self._task, self.scores = task, {}

    def families(self) -> list[Family]:
        """Return all that was counted."""
        latency = [sample for path, each in self.seconds.items() for sample in each.samples({"path": path})]
        scores = [sample for role, each in self.scores.items() for sample in each.samples({"role": role})]
        return [
            Family(
                "keepfit_requests",
                "counter",
                "Requests by path and status.",
                [Sample("_total", {"path": path, "status": str(code)}, n) for (path, code), n in self.requests.items()],
            ),
            Family("keepfit_request_seconds", "histogram", "Seconds from the request to its answer.", latency),
            _counter("keepfit_rows", "Rows that were scored, by the model's role.", "role", self.rows),
            Family("keepfit_score", "histogram", "Scores; of several classes that of the likeliest.", scores),
            _counter("keepfit_unknown_categories", "Categories that the champion never saw.", "column", self.unknown),
            *(family for source in self.sources for family in source()),
        ]


def _counter(name: str, help_: str, label: str, counts: Counter[str]) -> Family:
    return Family(name, "counter", help_, [Sample("_total", {label: key}, n) for key, n in counts.items()])
