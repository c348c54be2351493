"""`keepfit serve` for real: a Bento, two workers, keys, SIGTERM, a browser."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from keepfit.bundle import Bundle
from keepfit.environment import free_port
from keepfit.package import build_bento
from keepfit.serving.keys import create_key, revoke_key
from tests.modelling import ROOT
from tests.service.browsing import BROWSER, browse

pytestmark = pytest.mark.slow
ROW = {"time": "2020-05-05T00:00:00", "x": 1.5, "c": "b"}


@pytest.fixture(scope="module")
def bento(binary: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bento") / "bento"
    build_bento(binary, binary.folder, ROOT / "requirements/service.txt", folder, root=ROOT)
    return folder


@dataclass(frozen=True)
class Serving:
    """A running `keepfit serve`."""

    port: int
    process: subprocess.Popen
    told: Path

    def ask(self, path: str, body: Any = None, *, key: str | None = None) -> tuple[int, bytes]:
        """Ask on a connection of its own, so that either worker may answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        try:
            content = None if body is None else json.dumps(body)
            connection.request("GET" if body is None else "POST", path, content, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def wait_until(self, what, *, seconds: float = 60) -> None:
        """Wait for something to be true."""
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, self.told.read_text()[-3000:]
            assert self.process.poll() is None, self.told.read_text()[-3000:]
            time.sleep(0.1)

    def is_ready(self) -> bool:
        """Whether a worker answers."""
        try:
            return self.ask("/readyz")[0] == 200
        except OSError:
            return False


@contextmanager
def serve(bento: Path, folder: Path, *options: str, **environment: str) -> Iterator[Serving]:
    port, told = free_port(), folder / "told.log"
    env = {name: value for name, value in os.environ.items() if not name.startswith("KEEPFIT_")}
    env |= {"KEEPFIT_KEYS": str(folder / "keys.json"), "BENTOML_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
    env |= environment
    command = [sys.executable, "-m", "keepfit", "serve", str(bento), "--port", str(port), *options]
    with told.open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log)
        serving = Serving(port, process, told)
        try:
            serving.wait_until(serving.is_ready)
            yield serving
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture(scope="module")
def guarded(bento: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Two workers that ask for keys, of which there is none at the start."""
    with serve(bento, tmp_path_factory.mktemp("guarded"), "--workers", "2") as found:
        yield found


def counted(text: bytes, series: str) -> float:
    found = [line for line in text.decode().splitlines() if line.startswith(series)]
    return float(found[0].rpartition(" ")[2]) if found else 0.0


def test_what_bentoml_reads_at_each_start_has_pins_alone_and_what_is_installed_their_hashes(bento: Path):
    description, lock = (bento / "bento.yaml").read_text(), (bento / "env/python/requirements.txt").read_text()
    for name in ("bentoml", "msgspec", "llvmlite"):
        pins = re.findall(rf"^{name}==[\w.]+", lock, re.MULTILINE)
        assert pins
        assert all(pin in description for pin in pins)
    assert "--hash" in lock
    assert "--hash" not in description


def test_the_process_that_watches_the_workers_does_not_import_what_answers():
    program = (
        "import sys, service.service; print([name for name in sys.modules if name.startswith('keepfit.serving.')])"
    )
    env = os.environ | {"KEEPFIT_INSECURE": "true"}
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert "keepfit.serving.options" in told.stdout
    assert "keepfit.serving.app" not in told.stdout


def test_it_tells_where_the_page_is_and_how_to_make_a_key(guarded: Serving):
    said = guarded.told.read_text()
    assert f"http://127.0.0.1:{guarded.port}/docs" in said
    assert "keepfit keys create" in said
    assert "--insecure" in said
    assert "INSECURE" not in said


def test_keys_are_made_and_revoked_without_a_restart_for_all_workers(guarded: Serving):
    assert guarded.ask("/predict", ROW)[0] == 401
    file = guarded.told.with_name("keys.json")
    key, token = create_key(file, ("predict", "read"))

    def statuses() -> set[int]:
        return {guarded.ask("/predict", ROW, key=token)[0] for _ in range(20)}

    guarded.wait_until(lambda: statuses() == {200})
    revoke_key(file, key.id)
    guarded.wait_until(lambda: statuses() == {401})


# Looks, a tenth of a second and more apart.
STEADY = 25


def test_the_metrics_are_those_of_both_workers(guarded: Serving):
    file = guarded.told.with_name("keys.json")
    _, token = create_key(file, ("predict", "read"))
    guarded.wait_until(lambda: guarded.ask("/predict", ROW, key=token)[0] == 200)
    series = 'keepfit_rows_total{role="champion"}'

    def told() -> set[float]:
        """What is answered by whichever worker."""
        return {counted(guarded.ask("/metrics", key=token)[1], series) for _ in range(12)}

    # Each tells the other every second: what both say for longer than that is all that there was.
    said: list[set[float]] = []

    def is_steady() -> bool:
        said.append(told())
        return len(said) >= STEADY and len(set().union(*said[-STEADY:])) == 1

    guarded.wait_until(is_steady)
    (before,) = said[-1]
    assert {guarded.ask("/predict", ROW, key=token)[0] for _ in range(60)} == {200}
    guarded.wait_until(lambda: told() == {before + 60})


def test_sigterm_lets_a_running_request_end(bento: Path, tmp_path: Path):
    rows = [{**ROW, "x": number / 1000} for number in range(3000)]
    answers: list[tuple[int, bytes]] = []
    with serve(bento, tmp_path, "--insecure") as server:
        began = time.monotonic()
        assert server.ask("/predict?explain=2", rows)[0] == 200
        took = time.monotonic() - began
        asking = threading.Thread(target=lambda: answers.append(server.ask("/predict?explain=2", rows)))
        asking.start()
        time.sleep(took / 3)
        os.kill(server.process.pid, signal.SIGTERM)
        asking.join(timeout=30)
        server.process.wait(timeout=30)
    (answer,) = answers
    assert answer[0] == 200
    assert len(json.loads(answer[1])["predictions"]) == 3000


@pytest.fixture(scope="module")
def insecure(bento: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serve(bento, tmp_path_factory.mktemp("insecure"), "--insecure", KEEPFIT_TIMEOUT="1.5") as found:
        yield found


def test_insecure_is_said_at_every_start_and_lets_everybody_in(insecure: Serving):
    assert insecure.ask("/predict", ROW)[0] == 200
    assert "INSECURE: no key is asked for; anybody on this machine" in insecure.told.read_text()


def send_slowly(port: int, body: bytes, *, rest: bool) -> bytes:
    """Send a body in two parts, or the first of them alone; return the answer's first line."""
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head.encode() + body[:10])
        if rest:
            time.sleep(0.5)
            connection.sendall(body[10:])
        return connection.recv(1000).partition(b"\r\n")[0]


def test_a_body_in_parts_is_waited_for_but_not_for_ever(insecure: Serving):
    body = json.dumps(ROW).encode()
    assert send_slowly(insecure.port, body, rest=True) == b"HTTP/1.1 200 OK"
    assert send_slowly(insecure.port, body, rest=False) == b"HTTP/1.1 408 Request Timeout"


def test_the_page_works_in_a_browser_without_a_network(insecure: Serving, tmp_path: Path):
    if not all(map(shutil.which, BROWSER)):
        pytest.skip(f"no page was opened: {' and '.join(BROWSER)} are not installed")
    with browse(f"http://127.0.0.1:{insecure.port}/docs", tmp_path) as page:
        assert page.read("h1", having=":") == "Keepfit: toy"
        page.click("main form button")
        assert page.read("pre").startswith("200 OK")
        assert '"predictions": [' in page.read("pre")
        assert page.read("main", having="What it takes")


def test_the_page_asks_for_the_key_that_it_needs(guarded: Serving, tmp_path: Path):
    if not all(map(shutil.which, BROWSER)):
        pytest.skip(f"no page was opened: {' and '.join(BROWSER)} are not installed")
    _, token = create_key(guarded.told.with_name("keys.json"), ("predict",))
    guarded.wait_until(lambda: {guarded.ask("/model", key=token)[0] for _ in range(20)} == {200})
    with browse(f"http://127.0.0.1:{guarded.port}/docs", tmp_path) as page:
        assert page.read("#said", having="needs a key")
        page.type("#token", token)
        page.click("#key button")
        page.click("main form button")
        assert page.read("main pre").startswith("200 OK")
