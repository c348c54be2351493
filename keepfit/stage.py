"""Stage: how a script of `stages/` starts, and what a user sees when it fails."""

import sys
from collections.abc import Callable
from pathlib import Path

import keepfit.arithmetic  # noqa: F401 - before NumPy loads
from keepfit.collector import collect_seldom
from keepfit.errors import KeepfitError
from keepfit.settings import load_settings

Main = Callable[..., None]
collect_seldom()


def run(main: Main) -> None:
    """Call `main(settings, *paths)` with the paths of the command line.

    A KeepfitError, or a disk that is full or a file that is not there, is one line and status 1.
    """
    sys.exit(call(main, sys.argv[1:], Path("params.yaml")))


def call(main: Main, arguments: list[str], params: Path) -> int:
    """Return the exit status of a stage."""
    try:
        main(load_settings(params), *map(Path, arguments))
    except (KeepfitError, OSError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0
