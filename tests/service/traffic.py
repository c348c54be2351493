"""A real server with several workers, and a few seconds of requests to it, each of which is kept."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keepfit.environment import free_port
from tests.modelling import ROOT

ROW = {"time": "2020-01-01T00:00:00", "x": 0.3, "c": "a"}


@dataclass
class Server:
    """A service that answers without keys, on loopback."""

    port: int
    process: subprocess.Popen
    log: Path
    # Without one requests are let in, or not, as the options say.
    key: str | None = None

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Ask on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            return _ask(connection, method, path, body, self.key)
        finally:
            connection.close()

    def metrics(self) -> dict[str, float]:
        """Return each series of /metrics by its name and labels."""
        status, text = self.ask("GET", "/metrics")
        assert status == 200
        lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def wait_for(self, what, *, seconds: float = 60) -> None:
        """Wait until `what()` is true."""
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, self.log.read_text()[-3000:]
            time.sleep(0.1)


@contextmanager
def serving(folder: Path, *, workers: int = 2, key: str | None = None, **options: str | Path) -> Iterator[Server]:
    """Serve a bundle, options by their names in `ServiceOptions`; whoever asks does so with `key`."""
    port, log = free_port(), folder.parent / "server.log"
    (board := folder.parent / "board").mkdir(exist_ok=True)
    given = {"champion": folder, "workers": workers, "insecure": "true", "board": board, "metrics": "open"} | options
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder.parent),
        "BENTOML_HOME": str(folder.parent / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
        "OMP_NUM_THREADS": "1",
        **{f"KEEPFIT_{name.upper()}": str(value) for name, value in given.items()},
    }
    bentoml = Path(sys.executable).with_name("bentoml")
    command = [bentoml, "serve", "service.service:Keepfit", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT)
    server = Server(port, process, log, key)
    try:
        server.wait_for(lambda: _is_ready(server), seconds=120)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _is_ready(server: Server) -> bool:
    assert server.process.poll() is None, server.log.read_text()[-3000:]
    try:
        return server.ask("GET", "/readyz")[0] == 200
    except OSError:
        return False


@dataclass
class Load:
    """What a few callers were answered, each on a connection that stays open."""

    server: Server
    callers: int = 4
    statuses: list[int] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """Ask all the time, until the block ends."""
        threads = [threading.Thread(target=self._call) for _ in range(self.callers)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(15)

    def versions(self) -> set[str]:
        """Return the versions that answered so far."""
        return {answer["version"] for answer in list(self.answers)}

    def _call(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        while not self._stop.is_set():
            try:
                status, body = _ask(connection, "POST", "/predict", ROW, self.server.key)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
                continue
            self.statuses.append(status)
            self.answers.append(json.loads(body))
            # A bounded load: it is not the limit that is looked for.
            time.sleep(0.002)
        connection.close()


def _ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any, key: str | None
) -> tuple[int, bytes]:
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()
