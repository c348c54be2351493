"""A small project folder in which the graph's own commands run as real processes, without DVC."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

from tests.toys import toy_values

ROOT = Path(__file__).parents[2]
STAGES = ("ingest", "validate", "features", "train", "evaluate", "gate")
# What tells of rows that were set aside is written before too many of them stop the run.
TELLS = {"data/toy/quarantine.parquet", "reports/toy/validation.json"}


def command(stage: str) -> list[str]:
    """The stage's command as dvc.yaml has it."""
    text = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][stage]["cmd"]
    return [sys.executable, *text.replace("${dataset.name}", "toy").split()[1:]]


@dataclass(frozen=True)
class Project:
    """The folder, and what a person or DVC does in it."""

    path: Path

    @classmethod
    def make(cls, path: Path, rows: pd.DataFrame, **overrides) -> "Project":
        for name in ("keepfit", "stages", "features", "service"):
            shutil.copytree(ROOT / name, path / name, ignore=shutil.ignore_patterns("__pycache__"))
        (path / "requirements").mkdir()
        shutil.copy(ROOT / "requirements/service.txt", path / "requirements")
        project = cls(path)
        project.write(rows)
        project.set(**overrides)
        return project

    def copy(self, path: Path) -> "Project":
        shutil.copytree(self.path, path, dirs_exist_ok=True)
        return Project(path)

    def write(self, rows: pd.DataFrame) -> None:
        rows.to_csv(self.path / "toy.csv", index=False)

    def set(self, **overrides) -> None:
        (self.path / "params.yaml").write_text(yaml.safe_dump(toy_values(**overrides)))

    def start(self, stage: str, **options) -> subprocess.Popen:
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(self.scratch)}
        env.pop("DVC_EXP_NAME", None)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command(stage), cwd=self.path, env=env, **pipes, **options)

    def run(self, stage: str, **options) -> tuple[int, str]:
        """Run a stage; return its status and what it wrote to stderr."""
        with self.start(stage, **options) as process:
            _, errors = process.communicate(timeout=120)
        return process.returncode, errors

    def succeed(self, *stages: str) -> None:
        for stage in stages:
            assert self.run(stage) == (0, ""), stage

    def refuse(self, stage: str, **options) -> str:
        """Run a stage that must fail: one line, status 1, and every earlier output as it was. Return the line."""
        before = self.outputs
        status, errors = self.run(stage, **options)
        assert status == 1, errors
        assert errors.endswith("\n"), errors
        assert errors.count("\n") == 1, errors
        after = self.outputs
        changed = {name for name in before | after if before.get(name) != after.get(name)}
        assert changed <= (TELLS if stage == "validate" else set())
        return errors.rstrip("\n")

    def kill(self, stage: str, when: Callable[[], bool]) -> None:
        """Start a stage and kill it, and what it started, as soon as `when` says so."""
        process = self.start(stage, start_new_session=True)
        end = time.monotonic() + 60
        while not when():
            assert process.poll() is None, f"{stage} ended before it could be killed: {process.communicate()}"
            assert time.monotonic() < end, f"{stage} never came to the moment to be killed at"
        os.killpg(process.pid, 9)
        process.communicate()
        assert process.returncode == -9

    @property
    def scratch(self) -> Path:
        folder = self.path.parent / f"{self.path.name}-scratch"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def outputs(self) -> dict[str, bytes]:
        """Every file that stages wrote, hidden leftovers too."""
        folders = [self.path / name for name in ("data", "models", "reports")]
        files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
        return {str(file.relative_to(self.path)): file.read_bytes() for file in files}

    @property
    def leftovers(self) -> list[str]:
        return [name for name in self.outputs if ".partial" in name or ".previous" in name]
