"""Experiments: what commits, tags and experiments of this repository hold, read without checking them out."""

import json
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from keepfit.errors import KeepfitError
from keepfit.live import FIT_TIME

if TYPE_CHECKING:
    import pandas as pd


def git(*arguments: str) -> str:
    """Return what git prints; raise KeepfitError where it fails."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)  # noqa: S607
    if done.returncode:
        raise KeepfitError(f"git {arguments[0]}: {' '.join(done.stderr.split())}")
    return done.stdout


def list_experiments(base: str) -> dict[str, str]:
    """Return the commits of the experiments on the commit `base`, by name."""
    lines = git("for-each-ref", f"refs/exps/{base[:2]}/{base[2:]}", "--format=%(objectname) %(refname)").splitlines()
    return {name.rpartition("/")[2]: commit for commit, _, name in (line.partition(" ") for line in lines)}


def resolve(name: str) -> str:
    """Return the commit that a revision, tag or experiment's name stands for; raise KeepfitError."""
    lines = git("for-each-ref", "refs/exps", "--sort=-creatordate", "--format=%(objectname) %(refname)").splitlines()
    named = [commit for commit, _, ref in (line.partition(" ") for line in lines) if ref.rpartition("/")[2] == name]
    if named:
        return named[0]
    try:
        return git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").strip()
    except KeepfitError:
        raise KeepfitError(f"{name}: no commit, tag or experiment; `dvc exp list --all` names them") from None


def read_text(commit: str, path: Path) -> str | None:
    """Return a file of a commit that Git tracks, or None where it has none."""
    try:
        return git("show", f"{commit}:{path.as_posix()}")
    except KeepfitError:
        return None


def read_params(commit: str) -> dict[str, Any]:
    """Return the parameters of a commit; raise KeepfitError."""
    text = read_text(commit, Path("params.yaml"))
    if text is None:
        raise KeepfitError(f"{commit[:7]} has no params.yaml")
    return yaml.safe_load(text)


@dataclass(frozen=True)
class Snapshot:
    """A commit's parameters, metrics and gate record, empty where it has none, and its fit time in seconds."""

    name: str
    commit: str
    params: dict[str, Any]
    metrics: dict[str, Any]
    gate: dict[str, Any]
    fit_seconds: float | None

    @property
    def folder(self) -> Path:
        """Where its challenger is."""
        return Path("models", self.params["dataset"]["name"], "challenger")

    @property
    def passport(self) -> dict[str, Any]:
        """The challenger's passport; empty where the cache of this machine does not have it."""
        try:
            return json.loads(read_output(self.commit, self.folder / "passport.json"))
        except (OSError, KeepfitError):
            return {}

    @property
    def reference(self) -> "pd.DataFrame":
        """The challenger's out-of-sample rows; raises KeepfitError."""
        from io import BytesIO

        import pandas as pd

        return pd.read_parquet(BytesIO(read_output(self.commit, self.folder / "reference.parquet")))


@cache
def take_snapshot(name: str) -> Snapshot:
    """Read what a revision, tag or experiment holds; raise KeepfitError."""
    commit = resolve(name)
    params = read_params(commit)
    reports = Path("reports", params["dataset"]["name"])
    metrics, gate, timing = (
        json.loads(read_text(commit, path) or "{}")
        for path in (reports / "metrics.json", reports / "gate.json", FIT_TIME)
    )
    return Snapshot(name, commit, params, metrics, gate, timing.get("fit_seconds"))


def read_output(commit: str, path: Path) -> bytes:
    """Return a file of one of DVC's outputs at a commit; raise KeepfitError where the cache has it not."""
    from dvc.exceptions import DvcException
    from dvc_data.index import DataIndexDirError

    try:
        return _outputs(commit).read_bytes(path.as_posix())
    except (DvcException, DataIndexDirError, OSError) as error:
        raise KeepfitError(
            f"{path} of {commit[:7]} is not in the cache (`dvc exp pull`, `dvc pull`): {error}"
        ) from None


@cache
def _outputs(commit: str) -> Any:
    from dvc.api import DVCFileSystem

    return DVCFileSystem(rev=commit)


def describe(shot: Snapshot, *, base: str | None = None) -> dict[str, str]:
    """Return the columns of an experiment that matter: model, deciding metric, interval, cost, fit time, verdict.

    The verdict of the commit `base` that an experiment still has is none of its own.
    """
    metric = shot.params["objective"]["metric"]
    found = shot.metrics.get("challenger", {})
    low, high = found.get(f"{metric}_low"), found.get(f"{metric}_high")
    return {
        "name": shot.name,
        "model": shot.params["model"]["name"],
        metric: _number(found.get(metric)),
        "interval": f"{low:.4g} to {high:.4g}" if low is not None else "",
        "cost": _number(found.get("cost")),
        "fit s": f"{shot.fit_seconds:.1f}" if shot.fit_seconds is not None else "",
        "gate": "" if base and shot.gate == take_snapshot(base).gate else shot.gate.get("decision", ""),
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
