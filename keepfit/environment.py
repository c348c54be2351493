"""Environment: a Bento's own, made from its lock: the wheels are fetched once and tested and shipped as they are."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keepfit.errors import PackageError, SmokeError
from keepfit.files import hash_file, replacing
from keepfit.repository import last_words

SERVE = Path("deploy/serve")
WHEELS, ENVIRONMENTS = Path("outputs/wheels"), Path("outputs/environments")


def fetch_wheels(requirements: Path) -> Path:
    """Fetch the wheels of a lock for this machine's Python, each checked against its hash; return their folder.

    Raises PackageError.
    """
    folder = WHEELS / hash_file(requirements)[:12]
    if folder.exists():
        return folder
    with replacing(folder) as partial:
        partial.mkdir(parents=True)
        download = ["download", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
        _run(sys.executable, "-m", "pip", *download, "--requirement", str(requirements), "--dest", str(partial))
    return folder


def make_environment(requirements: Path, wheels: Path) -> Path:
    """Return a virtual environment that holds the lock's wheels and nothing else; raise PackageError."""
    folder = ENVIRONMENTS / hash_file(requirements)[:12]
    done = folder / "requirements.txt"
    if done.exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    _run(sys.executable, "-m", "venv", str(folder))
    # It serves once, so that compiling what it never imports would be the larger part of the work.
    install = [
        "install",
        "--quiet",
        "--no-compile",
        "--no-deps",
        "--no-index",
        "--require-hashes",
        "--find-links",
        str(wheels),
    ]
    _run(str(folder / "bin/python"), "-m", "pip", *install, "--requirement", str(requirements))
    shutil.copy(requirements, done)
    return folder


@contextmanager
def serving(bento: Path, environment: Path, home: Path) -> Iterator[str]:
    """Serve a Bento from an environment of its own on loopback; yield the address, and stop it in the end."""
    port = free_port()
    env = {
        "PATH": f"{(environment / 'bin').resolve()}:/usr/bin:/bin",
        "HOME": str(home),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        # Nobody else knows the port, and who may use loopback may read the folder.
        "KEEPFIT_INSECURE": "true",
        "BENTOML_HOME": str(home / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
        # The folder that is served is the one that is signed: nothing may be added to it.
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    told = home / "server.log"
    with told.open("wb") as log:
        command = ["/bin/sh", str(SERVE.resolve()), str(bento.resolve())]
        server = subprocess.Popen(command, cwd=home, env=env, stdout=log, stderr=log)
        try:
            yield f"http://127.0.0.1:{port}"
        except SmokeError as error:
            raise SmokeError(f"{error}; the server said: {last_words(told.read_text())}") from None
        finally:
            server.terminate()
            server.wait(timeout=30)


def free_port() -> int:
    """Return a port of loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _run(*command: str) -> None:
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        words = last_words(done.stderr or done.stdout)
        raise PackageError(f"{' '.join(command[1:4])} ended with status {done.returncode}: {words}")
