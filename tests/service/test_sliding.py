import math

from hypothesis import given
from hypothesis import strategies as st

from keepfit.serving.sliding import SlidingWindow


def test_what_is_too_old_or_too_much_is_forgotten():
    window = SlidingWindow(size=3, seconds=10)
    for moment, failed in [(0, True), (1, True), (2, False), (3, False)]:
        window.add(moment, took=moment, failed=failed)
    assert (len(window), window.failed) == (3, 1)
    window.forget(11)
    assert (len(window), window.failed, window.failed_share) == (2, 0, 0.0)
    window.forget(13)
    assert len(window) == 0
    assert math.isnan(window.quantile(0.5))


def test_a_quantile_is_of_the_answers_that_did_not_fail():
    window = SlidingWindow(size=200, seconds=10)
    for number in range(100):
        window.add(0, took=number / 100)
    window.add(0, took=99, failed=True)
    assert window.quantile(0.95) == 0.95
    assert window.quantile(1.0) == 0.99
    assert window.failed_share == 1 / 101


@given(st.lists(st.tuples(st.floats(0, 5), st.booleans())), st.integers(1, 20))
def test_failures_are_counted_as_they_come_and_go(answers: list[tuple[float, bool]], size: int):
    window, now, kept = SlidingWindow(size=size, seconds=10), 0.0, []
    for pause, failed in answers:
        now += pause
        window.add(now, took=1, failed=failed)
        kept = [(moment, each) for moment, each in [*kept, (now, failed)] if moment > now - 10][-size:]
    assert window.failed == sum(failed for _, failed in kept)
    assert len(window) == len(kept)
