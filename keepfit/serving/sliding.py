"""Sliding window: how many of the newest answers failed, and how long they took."""

from collections import deque


class SlidingWindow:
    """The newest answers, at most `size` of them and none older than `seconds`."""

    def __init__(self, *, size: int, seconds: float) -> None:
        self._size, self._seconds = size, seconds
        self._answers: deque[tuple[float, float, bool]] = deque()
        self.failed = 0

    def __len__(self) -> int:
        return len(self._answers)

    def add(self, now: float, *, took: float, failed: bool = False) -> None:
        """Add an answer that ended at `now` and took so many seconds."""
        self._answers.append((now, took, failed))
        self.failed += failed
        self.forget(now)

    def forget(self, now: float) -> None:
        """Leave out what is too old at `now`, or too much."""
        answers = self._answers
        while answers and (len(answers) > self._size or answers[0][0] <= now - self._seconds):
            self.failed -= answers.popleft()[2]

    def clear(self) -> None:
        """Forget every answer."""
        self._answers.clear()
        self.failed = 0

    @property
    def failed_share(self) -> float:
        """The share of the answers that failed; 0 of none."""
        return self.failed / len(self._answers) if self._answers else 0.0

    def quantile(self, share: float) -> float:
        """Return the seconds that this share of the answers that did not fail took at most; NaN of none."""
        took = sorted(seconds for _, seconds, failed in self._answers if not failed)
        return took[min(int(share * len(took)), len(took) - 1)] if took else float("nan")
