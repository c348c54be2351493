"""Forks: the stages of `make repro` as forks of a process that has imported what they need.

A stage imports for longer than it works, and most of them the same libraries. DVC starts it as ever, by the command of
`dvc.yaml`; where `keepfit repro` has said in the environment where it listens, the stage hands over its command line,
folder, environment and terminal, waits, and ends with the status of the fork. Anywhere else it runs by itself.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

DOOR = "KEEPFIT_FORKS"
TAKEN = b"+"
# Of Linux's prctl.h.
PR_SET_PDEATHSIG = 1
# What several stages import, in the order in which they need it: at once, and once one has asked.
FIRST = ["keepfit.stage", "pandas", "pyarrow.parquet"]
THEN = [
    "keepfit.validate_table",
    "pandera.pandas",
    "keepfit.feature_table",
    "keepfit.train",
    "scipy.sparse",
    "scipy.optimize",
    "scipy.stats",
    "sklearn.base",
    "sklearn.pipeline",
    "sklearn.compose",
    "skops.io",
    "dvclive",
    "keepfit.evaluate",
    "keepfit.gate",
    "keepfit.package",
    "keepfit.drift",
]


def hand_over() -> None:
    """Run the stage of this command line as a fork where one is to be had, and end with its status; else return."""
    door, command = os.environ.get(DOOR), sys.orig_argv[1:]
    if not door or command[:1] != ["-m"] or not command[1].startswith("stages."):
        return
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(door)
        except OSError:
            return
        task = json.dumps({"command": command[1:], "folder": str(Path.cwd()), "environment": dict(os.environ)}).encode()
        socket.send_fds(line, [len(task).to_bytes(8)], [0, 1, 2])
        line.sendall(task)
        if line.recv(1) == TAKEN:
            # Ctrl-C is for the fork, which says what it was at and ends.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            sys.exit(int(line.recv(16) or 1))


def run_beside(command: list[str]) -> int:
    """Run a command, the stages that it starts as forks of this process; return its status."""
    import subprocess
    from tempfile import TemporaryDirectory

    if sys.platform != "linux":
        # Elsewhere a fork may not use what the system's own libraries have begun.
        return subprocess.run(command, check=False).returncode
    with TemporaryDirectory(prefix="keepfit-") as folder, socket.socket(socket.AF_UNIX) as door:
        door.bind(f"{folder}/door")
        door.listen()
        # Ctrl-C ends the fork, and with it the command.
        before = signal.signal(signal.SIGINT, lambda *_: None)
        try:
            with subprocess.Popen(command, env=os.environ | {DOOR: f"{folder}/door"}) as started:
                ended = os.pidfd_open(started.pid)
                _serve(door, ended)
                os.close(ended)
        finally:
            signal.signal(signal.SIGINT, before)
        return started.returncode


def _serve(door: socket.socket, ended: int) -> None:
    from multiprocessing.connection import wait

    for name in FIRST:
        _import(name)
    left = list(THEN)
    while ended not in wait([door, ended]):
        with door.accept()[0] as line:
            _fork(line, left)


def _fork(line: socket.socket, left: list[str]) -> None:
    from multiprocessing import get_context
    from multiprocessing.connection import wait

    length, terminal, *_ = socket.recv_fds(line, 8, 3)
    with line.makefile("rb") as read:
        task = json.loads(read.read(int.from_bytes(length)))
    # Modules are those of this folder.
    if task["folder"] == str(Path.cwd()):
        fork = get_context("fork").Process(target=_become, args=(task, terminal, line))
        fork.start()
        line.sendall(TAKEN)
        while not (ready := wait([fork.sentinel, line], timeout=0.05 if left else None)):
            _import(left.pop(0))
        if fork.sentinel not in ready:
            # Who has asked is gone.
            fork.kill()
        fork.join()
        status = fork.exitcode or 0
        if line not in ready:
            line.sendall(str(status if status >= 0 else 128 - status).encode())
    for each in terminal:
        os.close(each)


def _become(task: dict[str, Any], terminal: list[int], line: socket.socket) -> None:
    import ctypes
    import runpy

    # Where this process's parent is killed, so is it, and who has asked hears that the line is gone.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    line.close()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, descriptor in enumerate(terminal):
        os.dup2(descriptor, number)
    os.environ.clear()
    os.environ.update(task["environment"])
    # Else it would hand over once more.
    del os.environ[DOOR]
    name, *sys.argv[1:] = task["command"]
    sys.path.insert(0, task["folder"])
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def _import(name: str) -> None:
    import gc
    from contextlib import suppress
    from importlib import import_module

    # Where it is missing, the stage that needs it says so.
    with suppress(ImportError):
        import_module(name)
    # What stays for good is no fork's to look through.
    gc.freeze()
