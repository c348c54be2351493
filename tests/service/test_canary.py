import logging
from pathlib import Path

import pytest

from keepfit.serving.canary import Canary, read_fallback
from keepfit.serving.options import ServiceOptions

ONE, OTHER = "1" * 64, "2" * 64


class Clock:
    now = 0.0

    def __call__(self) -> float:
        self.now += 0.01
        return self.now


def make_canary(marker: Path | None = None, digest: str = ONE, **options) -> Canary:
    chosen = {f"canary_{name}": value for name, value in options.items()}
    canary = Canary(ServiceOptions(canary=0.5, **chosen), marker, clock=Clock())
    canary.watch(digest)
    return canary


def chosen(canary: Canary, requests: int = 400, key: str = "k") -> int:
    return sum(canary.chooses(request=f"request-{number}", key=key) for number in range(requests))


def fail(canary: Canary, times: int = 50) -> None:
    for _ in range(times):
        canary.see_challenger(0.001, failed=True)


def test_a_share_of_the_requests_is_the_challengers():
    assert 150 < chosen(make_canary()) < 250


def test_nobody_is_until_there_is_a_challenger():
    assert chosen(Canary(ServiceOptions(canary=1.0), None)) == 0


def test_by_key_all_of_a_keys_requests_are_answered_by_the_same_model():
    canary = make_canary(by="key")
    counts = {chosen(canary, requests=20, key=f"key-{number}") for number in range(30)}
    assert counts == {0, 20}


def test_it_falls_back_at_the_error_that_is_one_too_many(caplog: pytest.LogCaptureFixture):
    canary = make_canary(errors=0.02, answers=200)
    fail(canary, 4)
    assert canary.off is None
    with caplog.at_level(logging.ERROR):
        fail(canary, 1)
    assert canary.off is not None
    assert canary.off.reason == "errors"
    assert "5 of its last 5 answers failed; allowed: 4 of 200" in caplog.text
    assert chosen(canary) == 0
    assert canary.fallbacks == {"errors": 1, "latency": 0}


def test_errors_of_both_are_no_reason():
    canary = make_canary(errors=0.02, answers=200)
    for _ in range(100):
        canary.see_champion(0.001, failed=True)
        canary.see_champion(0.001)
    fail(canary, 100)
    assert canary.off is None


def test_errors_that_are_long_past_are_no_reason():
    canary = make_canary(errors=0.02, answers=200, seconds=1.0)
    for _ in range(10):
        fail(canary, 4)
        for _ in range(100):
            canary.see_challenger(0.001)
    assert canary.off is None


def serve(canary: Canary, *, champion: float, challenger: float, answers: int = 100) -> None:
    for _ in range(answers):
        canary.see_champion(champion)
        canary.see_challenger(challenger)


def test_it_falls_back_where_it_is_so_many_times_slower():
    canary = make_canary(slower=3.0)
    serve(canary, champion=0.002, challenger=0.0061)
    assert canary.off is not None
    assert canary.off.reason == "latency"
    assert "6.10 ms and more, the champion's 2.00 ms; allowed: 3 times" in canary.off.why


@pytest.mark.parametrize(
    ("champion", "challenger"),
    [(0.002, 0.0059), (0.00003, 0.0009)],
    ids=["not so much slower", "so many times slower, within what a scheduler does"],
)
def test_it_goes_on_where_it_is_not(champion: float, challenger: float):
    canary = make_canary(slower=3.0)
    serve(canary, champion=champion, challenger=challenger)
    assert canary.off is None


def test_a_few_slow_answers_are_no_evidence():
    canary = make_canary()
    serve(canary, champion=0.001, challenger=1.0, answers=49)
    assert canary.off is None


def test_it_stays_off_over_a_restart_and_in_the_other_workers(tmp_path: Path):
    marker = tmp_path / "canary_off.json"
    canary, other = make_canary(marker), make_canary(marker)
    fail(canary)
    assert chosen(other) > 0
    other.heed()
    assert chosen(other) == chosen(make_canary(marker)) == 0
    told = read_fallback(marker)
    assert told == canary.off


def test_an_operator_brings_it_back_by_removing_the_file(tmp_path: Path):
    marker = tmp_path / "canary_off.json"
    canary = make_canary(marker)
    fail(canary)
    canary.heed()
    assert chosen(canary) == 0
    marker.unlink()
    canary.heed()
    assert chosen(canary) > 0
    fail(canary, 4)
    assert canary.off is None


def test_another_challenger_is_tried(tmp_path: Path):
    marker = tmp_path / "canary_off.json"
    canary = make_canary(marker)
    fail(canary)
    canary.watch(OTHER)
    assert chosen(canary) > 0
    canary.watch(ONE)
    assert chosen(canary) == 0


def test_where_the_file_cannot_be_written_it_is_off_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    canary = make_canary(tmp_path / "missing" / "canary_off.json")
    fail(canary)
    assert "not written" in caplog.text
    canary.heed()
    assert chosen(canary) == 0


def test_a_file_that_is_no_fall_back_ends_no_canary(tmp_path: Path):
    marker = tmp_path / "canary_off.json"
    marker.write_text('{"digest": ')
    assert chosen(make_canary(marker)) > 0
