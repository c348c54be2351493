"""All at once for seconds: load, champions that take turns, a database that dies, requests that are refused."""

from pathlib import Path

import pytest

from benchmarks.soak import run_soak
from keepfit.package import build_bento
from tests.champions import packed
from tests.modelling import ROOT

pytestmark = pytest.mark.slow
MINUTES = 0.25


def test_no_answer_is_a_5xx_and_what_was_acknowledged_is_in_the_database(tmp_path: Path):
    bundle, _, _ = packed("flights", "hist_gradient_boosting", None)
    build_bento(bundle, bundle.folder, ROOT / "requirements/service.txt", tmp_path / "bento", root=ROOT)
    found = run_soak(tmp_path / "bento", MINUTES, tmp_path / "cache")
    # So short a time says nothing of memory, and on a busy machine a champion may still be loading at its end:
    # test_taking_up.py waits for that one.
    depends_on_time = ("memory grew", "both champions")
    assert [each for each in found["problems"] if not each.startswith(depends_on_time)] == [], found["said"]
    assert {"200", "422"} <= set(found["statuses"]) <= {"200", "400", "401", "404", "405", "422"}
    assert found["acknowledged"] >= found["statuses"]["200"] > 100
    assert found["missing"] == 0
    assert found["switches"] >= 4
    assert found["outages"] >= 1
