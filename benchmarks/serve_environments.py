"""Environments: each contender's own, made once from its pinned requirements, and the champion that all serve."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
REQUIREMENTS = ROOT / "benchmarks/contenders"
CACHE = Path.home() / ".cache/keepfit-bench"


def prepare_environment(name: str, cache: Path) -> Path:
    """Return the `bin` of the environment that NAME.txt pins, made anew where that file has changed."""
    folder, wanted = cache / "environments" / name, REQUIREMENTS / f"{name}.txt"
    made_of = folder / "requirements.txt"
    if not made_of.exists() or made_of.read_bytes() != wanted.read_bytes():
        shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(folder)])
        pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*pip, "--no-deps", "--requirement", str(wanted)])
        shutil.copy(wanted, made_of)
    return folder / "bin"


def prepare_champion(cache: Path) -> Path:
    """Return the Bento of the flights champion as this commit makes it, trained once a commit (2 to 5 minutes)."""
    commit = run(["git", "rev-parse", "HEAD"]).strip()
    folder = cache / "champions" / commit[:12]
    bento = folder / "models/flights/bento"
    if not bento.exists():
        shutil.rmtree(folder, ignore_errors=True)
        run(["git", "clone", "--quiet", str(ROOT), str(folder)])
        run(["make", "repro", "DATASET=flights", f"VENV={sys.prefix}"], folder=folder)
    return bento


def run(command: list[str], *, folder: Path = ROOT) -> str:
    """Run a command, which must succeed, and return what it said."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout
