"""Forks: a stage that is started beside `keepfit repro` is a fork of it, and looks as if it ran by itself."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere stages run by themselves")

STAGE = """
import json, os, sys, time
def tell():
    known = {"asked": os.environ.get("ASKED"), "door": os.environ.get("KEEPFIT_FORKS")}
    told = {"arguments": sys.argv[1:], "name": __name__, "folder": os.getcwd(), "parent": os.getppid()}
    if sys.argv[1] == "wait": told["pid"] = os.getpid()
    print(json.dumps(told | known), flush=True)
match sys.argv[1]:
    case "tell": tell()
    case "status": sys.exit(int(sys.argv[2]))
    case "raise": raise ValueError("a bug")
    case "die": os.kill(os.getpid(), 9)
    case "error": sys.stderr.write("one line\\n"); sys.exit(1)
    case "wait": tell(); time.sleep(60)
"""
RUN = "import sys; from keepfit.forks import run_beside; print(run_beside(sys.argv[1:]))"


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages/__init__.py").write_text(Path("stages/__init__.py").read_text())
    (tmp_path / "stages/toy.py").write_text(STAGE)
    return tmp_path


def start(folder: Path, *command: str, **options) -> subprocess.Popen:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", RUN, *command], cwd=folder, **pipes, **options)


def run(folder: Path, *arguments: str, **options) -> tuple[str, str, str]:
    """The stage's output, the status that its command ended with, and what was said on standard error."""
    with start(folder, sys.executable, "-m", "stages.toy", *arguments, **options) as process:
        said, errors = process.communicate(timeout=60)
    printed, _, status = said.strip().rpartition("\n")
    return printed, status, errors


def test_a_stage_is_a_fork_with_its_own_arguments_folder_and_environment(folder):
    process = start(folder, "env", "ASKED=yes", sys.executable, "-m", "stages.toy", "tell", "two words")
    said, _ = process.communicate(timeout=60)
    told, status = said.splitlines()
    assert json.loads(told) == {
        "arguments": ["tell", "two words"],
        "name": "__main__",
        "folder": str(folder),
        "asked": "yes",
        "parent": process.pid,
        "door": None,
    }
    assert status == "0"


@pytest.mark.parametrize("status", ["0", "1", "3", "130"])
def test_its_status_is_that_of_the_command(folder, status):
    assert run(folder, "status", status) == ("", status, "")


def test_a_fault_of_ours_is_a_trace_and_status_1(folder):
    _, status, errors = run(folder, "raise")
    assert status == "1"
    assert errors.strip().endswith("ValueError: a bug")


def test_a_user_s_error_stays_one_line(folder):
    assert run(folder, "error") == ("", "1", "one line\n")


def test_a_stage_that_is_killed_ends_its_command(folder):
    assert run(folder, "die") == ("", str(128 + signal.SIGKILL), "")


def test_a_command_that_is_killed_ends_its_stage(folder):
    script = "python -m stages.toy wait & until [ -e told ]; do sleep 0.1; done; kill -9 $!; wait $!; echo killed"
    path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    process = start(folder, "sh", "-c", script, env=os.environ | path)
    told = json.loads(process.stdout.readline())
    (folder / "told").touch()
    assert told["parent"] == process.pid
    assert process.communicate(timeout=60)[0].splitlines() == ["killed", "0"]
    assert ends(told["pid"])


def test_where_what_forks_is_killed_stage_and_command_end_too(folder):
    command = f'"{sys.executable}" -m stages.toy wait; echo $?'
    process = start(folder, "sh", "-c", command)
    told = json.loads(process.stdout.readline())
    process.kill()
    assert process.stdout.readline() == "1\n"
    assert ends(told["pid"])


def ends(pid: int) -> bool:
    """Whether it ends within a minute; one that has ended may be known until its new parent hears of it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def test_control_c_ends_the_stage_and_its_command(folder):
    process = start(folder, sys.executable, "-m", "stages.toy", "wait", start_new_session=True)
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    said, errors = process.communicate(timeout=60)
    assert said == "1\n"
    assert errors.strip().endswith("KeyboardInterrupt")
    assert errors.count("Traceback") == 1


def test_a_stage_of_another_folder_runs_by_itself(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "stages").symlink_to(folder / "stages")
    process = start(folder, "env", "-C", str(elsewhere), sys.executable, "-m", "stages.toy", "tell")
    told = json.loads(process.communicate(timeout=60)[0].splitlines()[0])
    assert told["folder"] == str(elsewhere)
    assert told["door"]


def test_a_stage_runs_by_itself_where_nobody_listens_any_more(folder):
    environment = os.environ | {"KEEPFIT_FORKS": str(folder / "gone")}
    command = [sys.executable, "-m", "stages.toy", "tell"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["door"] == environment["KEEPFIT_FORKS"]


def test_what_runs_beside_is_gone_when_the_command_is(folder):
    (folder / "tmp").mkdir()
    assert run(folder, "tell", env=os.environ | {"TMPDIR": str(folder / "tmp")})[1] == "0"
    assert list((folder / "tmp").iterdir()) == []
