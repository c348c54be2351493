import json
import subprocess
import sys
import time
from importlib import import_module

import pytest

from benchmarks.startup import KINDS, summarise
from benchmarks.tracer import IMPORTS, READING, TIMED, WORK, Stopwatch


@pytest.mark.parametrize("module", TIMED)
def test_what_is_timed_is_there(module):
    for each in (name for names in TIMED[module].values() for name in names):
        place = import_module(module)
        for part in each.split("."):
            place = getattr(place, part)
        assert callable(place)


def test_a_moment_belongs_to_what_was_entered_last_and_all_of_them_are_counted():
    stopwatch, began = Stopwatch(time.monotonic()), time.monotonic()
    inner = stopwatch.time(IMPORTS, lambda: time.sleep(0.02))
    stopwatch.time(READING, lambda: (time.sleep(0.03), inner()))()
    stopwatch.switch(time.monotonic())
    assert stopwatch.seconds[IMPORTS] >= 0.02
    assert stopwatch.seconds[READING] >= 0.03
    assert sum(stopwatch.seconds.values()) == pytest.approx(time.monotonic() - began, abs=0.01)


def test_a_generator_is_timed_while_it_makes_a_value_and_not_between_two():
    def slow():
        for number in range(2):
            time.sleep(0.02)
            yield number

    stopwatch = Stopwatch(time.monotonic())
    for _ in stopwatch.time(READING, slow)():
        time.sleep(0.05)
    stopwatch.switch(time.monotonic())
    assert 0.04 <= stopwatch.seconds[READING] < 0.1 <= stopwatch.seconds[WORK]


def test_a_module_is_run_with_its_arguments_and_ends_with_its_status(tmp_path):
    (tmp_path / "step.py").write_text("import sys, decimal\nassert sys.argv[1:] == ['word']\nsys.exit(3)")
    command = [sys.executable, "-m", "benchmarks.tracer", str(time.monotonic()), str(tmp_path / "out"), "step", "word"]
    environment = {"PYTHONPATH": f"{tmp_path}:."}
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (3, "")
    told = json.loads((tmp_path / "out").read_text())
    assert told[IMPORTS] > 0
    assert told["interpreter"] > 0


def test_what_the_graph_takes_beyond_its_stages_is_dvc_s():
    stage = dict.fromkeys(KINDS, 0.5) | {WORK: 1.0}
    found = summarise([10.0, 12.0, 11.0], [{"ingest": stage, "train": stage}] * 3)
    assert found["dvc"] == {"median": 4.0, "least": 3.0, "most": 5.0}
    assert found["stages"]["train"][WORK] == {"median": 1.0, "least": 1.0, "most": 1.0}
