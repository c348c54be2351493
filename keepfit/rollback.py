"""Rollback: an earlier champion in the place of today's, and the pin that keeps it there."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from keepfit.bundle import read_bundle
from keepfit.champions import Reign, fetch_champion
from keepfit.compose import write_params
from keepfit.declare import Leaf, declare
from keepfit.errors import RepositoryError
from keepfit.repository import last_words
from keepfit.succession import replace_by_hand

CONF, PARAMS = Path("conf"), Path("params.yaml")


def roll_back(reign: Reign, dataset: str, *, why: str) -> None:
    """Put an earlier champion back, pin it, and make its package; the data stays as it is.

    Raises ChampionMissing where its files are nowhere, and BundleError where they are not what was recorded.
    """
    record, folder = Path("reports", dataset, "gate.json"), Path("models", dataset, "champion")
    with TemporaryDirectory() as scratch:
        fetch_champion(reign, dataset, Path(scratch, "champion"))
        bundle = read_bundle(Path(scratch, "champion"), digest=reign.digest)
        replace_by_hand(bundle, folder=folder, record=record, decision="rollback", why=why)
    set_pin(reign.version)
    run_dvc("repro", "--single-item", "package")


def set_pin(version: str | None) -> None:
    """Pin the champion of this version, or none; the graph takes the gate's last word for still good."""
    configure({("gate", "pinned"): version})
    run_dvc("commit", "--force", "gate")


def configure(values: Mapping[Leaf, Any], *, file: str = "config.yaml") -> None:
    """Write values into a file of `conf/`, and compose params.yaml anew."""
    declare(CONF / file, values)
    write_params(CONF, PARAMS, dataset=None)


def run_dvc(*arguments: str) -> None:
    """Run a DVC command; raise RepositoryError with its last words."""
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        words = last_words(done.stderr or done.stdout)
        raise RepositoryError(f"dvc {arguments[0]} ended with status {done.returncode}: {words}")
