"""Workspaces: a clone for each size and engine, with the grown flights as its dataset and the commands of its graph."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from benchmarks import grow
from benchmarks.bench import ROOT
from keepfit.compose import compose
from keepfit.files import read_json, remove, replacing

ENGINES = ("pandas", "dask")
STAGES = ("ingest", "validate", "features", "train", "evaluate", "gate", "package", "drift", "score")
# Beside the one bad row that the original has: validation costs more where it finds something.
BAD = 0.001
# New rows of the drift check: the same flights 53 weeks later, all newer than what the champion learned from.
LATER = 53 * 7
DATA = f"data/{grow.NAME}"
CHAMPION = f"models/{grow.NAME}/champion"


@dataclass(frozen=True)
class Workspace:
    """The clone in which one engine takes one size through the graph."""

    rows: int
    engine: str
    cache: Path

    @property
    def folder(self) -> Path:
        """The clone."""
        return self.cache / f"scale/{self.rows}/{self.engine}"

    @property
    def parts(self) -> Path:
        """The grown flights, which both engines read."""
        return self.cache / f"scale/{self.rows}/parts"

    def prepare(self, overrides: list[str]) -> None:
        """Grow the flights where they are not there, clone or bring the clone to this commit, and compose."""
        told = read_json(self.parts / "grown.json") or {}
        if (told.get("rows"), told.get("seed"), told.get("bad")) != (self.rows, grow.SEED, BAD):
            grow.write_parts(grow.load(), self.parts, rows=self.rows, bad=BAD)
        if not self.folder.exists():
            _git("clone", "--quiet", str(ROOT), str(self.folder))
        _git("-C", str(self.folder), "fetch", "--quiet", str(ROOT), "HEAD")
        _git("-C", str(self.folder), "reset", "--quiet", "--hard", "FETCH_HEAD")
        grow.declare(self.parts, self.folder / "conf")
        chosen = [f"dataset={grow.NAME}", "dataset.until=2014-01-01", *self._engine(), *overrides]
        (self.folder / "params.yaml").write_text(compose(self.folder / "conf", overrides=chosen))

    def _engine(self) -> list[str]:
        known = [file.stem for file in (self.folder / "conf/engine").glob("*.yaml")] or ["pandas"]
        if self.engine not in known:
            raise SystemExit(f"--engines {self.engine}: allowed: {', '.join(known)}")
        return [f"engine={self.engine}"] if len(known) > 1 else []

    def paths(self, stage: str) -> list[str]:
        """Return what the graph names after `python -m stages.STAGE`."""
        return self._graph[stage]["cmd"].replace("${dataset.name}", grow.NAME).split()[3:]

    @cached_property
    def _graph(self) -> dict:
        return yaml.safe_load((self.folder / "dvc.yaml").read_text())["stages"]

    def written(self, stage: str) -> int:
        """Return the bytes of what a stage has written."""
        if stage == "score":
            return _weigh(self.folder / "scored.parquet")
        listed = [each for kind in ("outs", "metrics") for each in self._graph[stage].get(kind, [])]
        names = [next(iter(each)) if isinstance(each, dict) else each for each in listed]
        return sum(_weigh(self.folder / name.replace("${dataset.name}", grow.NAME)) for name in names)

    def command(self, stage: str) -> list[str]:
        """Return the command of a stage with what it needs in place; for drift, all rows are new to the champion."""
        if stage == "score":
            champion = ["--champion", f"models/{grow.NAME}/bento/src/champion"]
            remove(self.folder / "scored.parquet")
            return [
                sys.executable,
                "-m",
                "keepfit",
                "score",
                f"{self.parts}/part-*.parquet",
                "scored.parquet",
                *champion,
            ]
        paths = self.paths(stage)
        if stage == "gate":
            # A champion that stands already would be judged as well.
            for path in (CHAMPION, paths[-1]):
                remove(self.folder / path)
        if stage == "drift":
            paths = [self._make_later(path) if path.endswith(".parquet") else path for path in paths]
        for path in paths:
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        return [sys.executable, "-m", f"stages.{stage}", *paths]

    def _make_later(self, path: str) -> str:
        source, later = self.folder / path, f"later/{Path(path).name}"
        if not (self.folder / later).exists() or (self.folder / later).stat().st_mtime < source.stat().st_mtime:
            with replacing(self.folder / later) as partial:
                move_times(source, partial, days=LATER)
        return later


def move_times(source: Path, target: Path, *, days: int, time: str = "scheduled") -> None:
    """Write a Parquet file, or a folder of them, with its times moved, one row group in memory at a time."""
    if source.is_dir():
        for file in sorted(each for each in source.rglob("*") if each.is_file()):
            place = target / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            move_times(file, place, days=days, time=time) if file.suffix == ".parquet" else shutil.copy(file, place)
        return
    with pq.ParquetFile(source) as file, pq.ParquetWriter(target, file.schema_arrow) as writer:
        at = file.schema_arrow.get_field_index(time)
        for number in range(file.num_row_groups):
            group = file.read_row_group(number)
            moved = pc.add(group[time], pa.scalar(days * 86_400 * 10**9, pa.duration("ns")))
            writer.write_table(group.set_column(at, group.schema.field(at), moved.cast(group.schema.field(at).type)))


def _weigh(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True)
