import json
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from keepfit.serving.beside import Beside
from keepfit.serving.canary import Canary, Fallback
from keepfit.serving.options import ServiceOptions
from keepfit.serving.shadow import Shadow
from keepfit.serving.standby import Standby

DIGEST = "1" * 64


class Looked:
    """A place that counts the looks at it, and fails at each where it is told to."""

    taken, refused = 2, 1

    def __init__(self, *, fails: bool = False) -> None:
        self.fails, self.looks, self.twice = fails, 0, threading.Event()

    def look(self, origin: object) -> None:
        self.looks += 1
        if self.looks > 1:
            self.twice.set()
        if self.fails:
            raise OSError("the disk is gone")


def make_standby(*, fails: bool = False, marker: Path | None = None) -> tuple[Standby, SimpleNamespace]:
    beside: Beside = Beside(Canary(ServiceOptions(canary=1.0), marker), Shadow(), share=1.0)
    beside.install("two", DIGEST)
    parts = SimpleNamespace(champion=Looked(fails=fails), challenger=Looked(), beside=beside)
    return Standby("code", **vars(parts)), parts


def told(standby: Standby) -> dict[tuple[str, ...], float]:
    return {
        (family.name, *sample.labels.values()): sample.value
        for family in standby.families()
        for sample in family.samples
    }


def test_it_looks_again_and_again_until_it_is_stopped():
    standby, parts = make_standby()
    standby.start(0.01)
    assert parts.challenger.twice.wait(30)
    standby.stop()
    looks = parts.champion.looks
    assert looks >= 2
    assert not standby._thread.is_alive()


def test_a_look_that_fails_keeps_no_other_from_being_taken(caplog: pytest.LogCaptureFixture):
    standby, parts = make_standby(fails=True)
    standby.look()
    standby.look()
    assert (parts.champion.looks, parts.challenger.looks) == (2, 2)
    assert "the disk is gone" in caplog.text


def test_it_heeds_what_other_workers_and_the_drift_check_wrote(tmp_path: Path):
    standby, parts = make_standby(marker=tmp_path / "canary_off.json")
    standby.read_report(tmp_path / "drift.json")
    standby.look()
    assert parts.beside.canary.off is None
    fallback = Fallback(digest=DIGEST, reason="errors", why="5 of 5", at="2026-01-01T00:00:00Z")
    (tmp_path / "canary_off.json").write_text(fallback.model_dump_json())
    (tmp_path / "drift.json").write_text(json.dumps({"verdict": "drift"}))
    standby.look()
    assert parts.beside.canary.off == fallback
    assert told(standby)["keepfit_drift", "drift"] == 1


def test_the_metrics_tell_of_both_places():
    standby, _ = make_standby()
    found = told(standby)
    assert found["keepfit_rollovers", "champion", "taken"] == 2
    assert found["keepfit_rollovers", "challenger", "refused"] == 1
    assert found["keepfit_canary", "on"] == 1
