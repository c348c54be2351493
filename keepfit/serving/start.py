"""Start: the command and the environment in which BentoML serves, and what a person is told of it."""

import ipaddress
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from keepfit.errors import KeysError, ServeError
from keepfit.serving.keys import read_keys
from keepfit.serving.location import read_folder, settle
from keepfit.serving.options import name_paths, read_options

BOARD = "board-"


def serving_command(bento: Path, *, host: str, port: int) -> list[str]:
    """Return the command that serves a Bento; raise ServeError."""
    if not (bento / "bento.yaml").exists():
        raise ServeError(f"{bento}: no Bento there; `make repro` builds it, `keepfit pull` fetches it")
    beside = Path(sys.executable).with_name("bentoml")
    program = str(beside) if beside.exists() else shutil.which("bentoml")
    if program is None:
        raise ServeError("bentoml is not installed; `make venv` installs the locked requirements")
    return [program, "serve", str(bento.resolve()), "--host", host, "--port", str(port)]


def serving_environment(given: Mapping[str, str], *, keys: Path, workers: int, insecure: bool) -> dict[str, str]:
    """Return the environment of the server; raise SettingsError."""
    # Workers serve from the Bento's folder.
    settled = settle(given, name_paths())
    env = {"BENTOML_DO_NOT_TRACK": "True", "OMP_NUM_THREADS": "1", **settled, "KEEPFIT_WORKERS": str(workers)}
    if insecure:
        env["KEEPFIT_INSECURE"] = "true"
    env["KEEPFIT_KEYS"] = str(keys.resolve())
    env["KEEPFIT_LOG_FOLDER"] = str(read_folder(env).resolve())
    read_options(env)
    env.setdefault("KEEPFIT_BOARD", str(make_board(Path(env["KEEPFIT_LOG_FOLDER"]))))
    return env


def make_board(folder: Path) -> Path:
    """Return a folder in which this process's workers tell what they counted; those of processes that ended go."""
    for other in folder.glob(f"{BOARD}*"):
        if not Path("/proc", other.name.removeprefix(BOARD)).exists():
            shutil.rmtree(other, ignore_errors=True)
    # The server has the number of the command that it takes the place of.
    board = folder / f"{BOARD}{os.getpid()}"
    board.mkdir(parents=True, exist_ok=True)
    return board


def tell_start(env: Mapping[str, str], *, host: str, port: int) -> list[str]:
    """Return what a person is told at the start: where the page is, and how requests are let in."""
    options = read_options(env)
    name = f"[{host}]" if ":" in host else {"0.0.0.0": "localhost"}.get(host, host)  # noqa: S104 - only shown
    page = f"http://{name}:{port}/docs"
    if options.insecure:
        where = "anybody on this machine" if _is_loopback(host) else "ANYBODY WHO REACHES THIS MACHINE"
        return [f"docs: {page}", f"INSECURE: no key is asked for; {where} may predict, send outcomes and read them"]
    try:
        count = len(read_keys(options.keys)) if options.keys else 0
    except KeysError as error:
        raise ServeError(str(error)) from None
    if not count:
        return [f"docs: {page}; no key yet: make one with `keepfit keys create`, or start with --insecure"]
    return [f"docs: {page}; requests need one of the {count} keys of {options.keys}"]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
