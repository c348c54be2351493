import json
import subprocess
import sys
import time
from importlib import import_module

import pytest

from benchmarks.startup import KINDS, summarise
from benchmarks.tracer import IMPORTS, READING, TIMED, WORK, WRITING, Stopwatch


@pytest.mark.parametrize("module", TIMED)
def test_what_is_timed_is_there(module):
    for each in (name for names in TIMED[module].values() for name in names):
        place = import_module(module)
        for part in each.split("."):
            place = getattr(place, part)
        assert callable(place)


class Clock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


def test_a_moment_belongs_to_what_was_entered_last_and_all_of_them_are_counted():
    clock = Clock()
    stopwatch = Stopwatch(clock(), clock)
    inner = stopwatch.time(IMPORTS, lambda: clock.pass_by(2.0))
    stopwatch.time(READING, lambda: (clock.pass_by(3.0), inner(), clock.pass_by(4.0)))()
    clock.pass_by(1.0)
    stopwatch.switch(clock())
    assert stopwatch.seconds == {IMPORTS: 2.0, READING: 7.0, WORK: 1.0, WRITING: 0.0}


def test_a_generator_is_timed_while_it_makes_a_value_and_not_between_two():
    clock = Clock()

    def slow():
        for number in range(2):
            clock.pass_by(2.0)
            yield number

    stopwatch = Stopwatch(clock(), clock)
    for _ in stopwatch.time(READING, slow)():
        clock.pass_by(5.0)
    stopwatch.switch(clock())
    assert stopwatch.seconds == {IMPORTS: 0.0, READING: 4.0, WORK: 10.0, WRITING: 0.0}


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
    stages = {"ingest": stage, "train": stage}
    found = summarise(forked=[8.0] * 3, whole=[10.0, 12.0, 11.0], alone=[7.0] * 3, rounds=[stages] * 3)
    assert found["dvc"] == {"median": 4.0, "least": 3.0, "most": 5.0}
    assert found["stages"]["train"][WORK] == {"median": 1.0, "least": 1.0, "most": 1.0}
