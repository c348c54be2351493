import logging
import threading
import time

import pytest

from keepfit.serving.shadow import Shadow


def test_jobs_are_done_in_their_order_and_off_the_callers_thread():
    shadow, seen = Shadow(), []
    for number in range(50):
        assert shadow.offer(lambda number=number: seen.append((number, threading.current_thread().name)), size=1)
    shadow.close(seconds=5)
    assert seen == [(number, "keepfit-shadow") for number in range(50)]
    assert (shadow.done, shadow.dropped, shadow.failed, shadow.waiting) == (50, 0, 0, 0)


def fill(shadow: Shadow, jobs: int, size: int) -> tuple[int, float]:
    """Offer jobs while the first one keeps the thread busy; return how many were taken, and the longest wait."""
    begun, goes_on = threading.Event(), threading.Event()
    shadow.offer(lambda: (begun.set(), goes_on.wait(30)), size=0)
    assert begun.wait(30)
    taken, longest = 0, 0.0
    for _ in range(jobs):
        before = time.perf_counter()
        taken += shadow.offer(lambda: None, size=size)
        longest = max(longest, time.perf_counter() - before)
    goes_on.set()
    shadow.close(seconds=5)
    return taken, longest


@pytest.mark.parametrize(("size", "fits"), [(1, 100), (100, 10)], ids=["jobs", "bytes"])
def test_what_does_not_fit_is_dropped_and_counted_and_not_waited_for(size: int, fits: int):
    shadow = Shadow(jobs=100, limit_bytes=1_000)
    taken, longest = fill(shadow, 500, size)
    assert (taken, shadow.dropped, shadow.done) == (fits, 500 - fits, fits + 1)
    assert longest < 1


def test_a_job_that_fails_is_counted_and_told_and_the_next_is_done(caplog: pytest.LogCaptureFixture):
    shadow = Shadow()
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            shadow.offer(lambda: 1 / 0, size=1)
        shadow.offer(lambda: None, size=1)
        shadow.close(seconds=5)
    assert (shadow.failed, shadow.done) == (100, 1)
    assert len(caplog.records) == 7
    assert "division by zero" in caplog.text


def test_a_closed_one_takes_nothing():
    shadow = Shadow()
    shadow.close(seconds=1)
    assert not shadow.offer(lambda: None, size=1)
    assert shadow.dropped == 1
