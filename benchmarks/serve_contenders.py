"""Contenders: how each is started, what it is sent, and how much memory its worker takes."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.serve_environments import ROOT, prepare_environment

PATIENCE = 120.0
Row = dict[str, object]


@dataclass(frozen=True)
class Contender:
    """One way to serve the champion: its title, the lock of its environment, its command and its request."""

    title: str
    lock: str
    command: tuple[str, ...]
    path: str = "/predict"
    wrap: Callable[[Row], object] = lambda row: row


@dataclass(frozen=True)
class Running:
    """A started server: its process, its address, and the seconds from start to the first 200."""

    process: psutil.Popen
    address: str
    started: float

    def family(self) -> list[psutil.Process]:
        """Return its processes, the largest first, which is the worker."""
        found = [self.process, *self.process.children(recursive=True)]
        return sorted(found, key=lambda each: -each.memory_info().rss)

    def memory_mb(self) -> float:
        """Return the resident memory of its worker, in MB."""
        return round(self.family()[0].memory_info().rss / 1e6, 1)

    def processor_seconds(self) -> tuple[float, float]:
        """Return the processor time that its worker has used, and that all its processes have."""
        used = [sum(each.cpu_times()[:2]) for each in self.family()]
        return used[0], sum(used)


UVICORN = ("uvicorn", "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--port", "{port}")
MLFLOW = ("mlflow", "models", "serve", "-m", "{scratch}/mlflow", "--env-manager", "local", "--workers", "1")
CONTENDERS = {
    "fastapi": Contender("FastAPI, pydantic, frame", "fastapi", (*UVICORN, "benchmarks.contenders.fastapi_frame:app")),
    "mlflow": Contender(
        "mlflow models serve",
        "mlflow",
        (*MLFLOW, "--port", "{port}"),
        path="/invocations",
        wrap=lambda row: {"dataframe_records": [row]},
    ),
    "bentoml": Contender(
        "BentoML quickstart",
        "bentoml",
        ("bentoml", "serve", "benchmarks.contenders.bentoml_quickstart:Flights", "--port", "{port}"),
        wrap=lambda row: {"row": row},
    ),
    "fastapi-scorer": Contender(
        "FastAPI, our scorer", "scorer", (*UVICORN, "benchmarks.contenders.fastapi_scorer:app")
    ),
    "fastapi-scorer-bare": Contender(
        "FastAPI's routing, our scorer", "scorer", (*UVICORN, "benchmarks.contenders.fastapi_scorer:app"), path="/bare"
    ),
    "echo": Contender("bare ASGI echo", "echo", (*UVICORN, "benchmarks.contenders.echo:app")),
    "keepfit": Contender("Keepfit", "", ("keepfit", "serve", "{bento}", "--port", "{port}")),
}


@contextmanager
def serving(
    name: str,
    *,
    bento: Path,
    cache: Path,
    scratch: Path,
    body: object,
    key: str,
    more: dict[str, str] | None = None,
) -> Iterator[Running]:
    """Start a contender, wait for its first 200, and end it and its children afterwards.

    `more` are environment variables for it.
    """
    contender = CONTENDERS[name]
    binaries = prepare_environment(contender.lock, cache) if contender.lock else Path(sys.prefix, "bin")
    port = find_port()
    command = [part.format(port=port, bento=bento, scratch=scratch) for part in contender.command]
    address = f"http://127.0.0.1:{port}{contender.path}"
    with (scratch / f"{name}.log").open("w") as log:
        start = time.perf_counter()
        process = psutil.Popen(
            [str(binaries / command[0]), *command[1:]],
            cwd=scratch,
            env=make_environment(name, binaries, bento, scratch) | (more or {}),
            stdout=log,
            stderr=log,
        )
        try:
            wait(address, body, key, process, scratch / f"{name}.log")
            yield Running(process, address, round(time.perf_counter() - start, 2))
        finally:
            stop(process)


def make_environment(name: str, binaries: Path, bento: Path, scratch: Path) -> dict[str, str]:
    """Return a contender's environment variables: one thread, and the code that it may import."""
    environment = {
        "PATH": f"{binaries}:/usr/bin:/bin",
        "HOME": str(scratch),
        "CHAMPION": str(bento / "src/champion"),
        "OMP_NUM_THREADS": "1",
        "BENTOML_DO_NOT_TRACK": "True",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PYTHONDONTWRITEBYTECODE": "",
    }
    if name == "keepfit":
        return {**environment, **our_settings(scratch)}
    return {**environment, "PYTHONPATH": f"{ROOT}:{bento / 'src'}"}


def our_settings(scratch: Path) -> dict[str, str]:
    """Return what a service in production has: keys, and a log of every prediction."""
    return {"KEEPFIT_KEYS": str(scratch / "keys.json"), "KEEPFIT_LOG_FOLDER": str(scratch / "log")}


def make_key(scratch: Path) -> str:
    """Return a key that may predict as often as it likes, whose hash is in the service's file of keys."""
    from keepfit.serving.keys import create_key

    return create_key(scratch / "keys.json", ("predict",), rate=1e9)[1]


def save_mlflow(cache: Path, bento: Path, scratch: Path) -> None:
    """Save the pyfunc that `mlflow models serve` serves."""
    binaries = prepare_environment("mlflow", cache)
    environment = make_environment("mlflow", binaries, bento, scratch)
    command = [str(binaries / "python"), "-m", "benchmarks.contenders.mlflow_model", str(scratch / "mlflow")]
    subprocess.run(command, env=environment, cwd=scratch, check=True, capture_output=True)


def wait(address: str, body: object, key: str, process: psutil.Popen, log: Path) -> None:
    """Ask until the answer is a 200; end the run where the server ended or needs more than two minutes."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    request = urllib.request.Request(address, json.dumps(body).encode(), headers)  # noqa: S310 - http on loopback
    end, said = time.monotonic() + PATIENCE, ""
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - http on loopback
                if answer.status == 200:
                    return
        except urllib.error.HTTPError as error:
            said = error.read().decode()[:500]
        except OSError:
            pass
        time.sleep(0.01)
    sys.exit(f"{address}: no 200. {said} {log.read_text()[-2000:]}")


def stop(process: psutil.Popen) -> None:
    """End a server and what it started, gently and then not."""
    family = [process, *process.children(recursive=True)]
    process.terminate()
    _, left = psutil.wait_procs(family, timeout=10)
    for each in left:
        each.kill()
    psutil.wait_procs(left, timeout=5)


def find_port() -> int:
    """Return a port on loopback that nobody uses."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
