"""Trial: a model is loaded in a process of its own, before the one that answers takes up what does without it.

A compiled scorer needs the model for rows that it refuses, and no other. Whoever loads it keeps the libraries that come
with it, 150 MB, and holds up requests for as long as they are imported.
"""

import os
import subprocess
import sys
from pathlib import Path

from keepfit.bundle import MODEL
from keepfit.errors import RolloverError

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 120.0
PROGRAM = """\
import os, sys
from pathlib import Path
os.nice(5)
from keepfit.errors import KeepfitError
from keepfit.modelfile import read_model
try:
    read_model(Path(sys.argv[1]))
except KeepfitError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def try_model(folder: Path) -> None:
    """Raise RolloverError where the model of a bundle cannot be loaded, or holds a type that is not trusted.

    Raises OSError where that could not be found out.
    """
    command = [sys.executable, "-c", PROGRAM, str(folder / MODEL)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise RolloverError(f"{MODEL}: not loaded within {SECONDS:g} seconds") from None
    if done.returncode < 0:
        # Whoever killed it did not do so for what it is.
        raise OSError(f"{MODEL}: what tried it was killed by signal {-done.returncode}")
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise RolloverError(f"{MODEL}: {last[0][:300]}")
