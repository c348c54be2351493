"""dvc.yaml names all that each stage reads: a change re-runs what it touches and nothing else."""

from collections.abc import Callable
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import yaml

from keepfit.dataset import Dataset
from keepfit.imports import PACKAGES, imported_files
from keepfit.monitoring import Drift
from keepfit.objective import Objective
from keepfit.settings import Settings
from tests.modelling import ROOT
from tests.toys import BOOSTED, toy_rows, toy_settings

GRAPH = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
FEATURES = "features/${dataset.features.module}.py"
SERVICE = ("service/service.py", "service/__init__.py")
# Those that read settings, in their order.
TOLD = ("ingest", "validate", "features", "train", "evaluate", "gate")


def declared_code(stage: str) -> set[str]:
    return {name for name in GRAPH[stage]["deps"] if name.endswith(".py") and name.split("/")[0] in PACKAGES}


def reached(start: str) -> set[str]:
    return {file.as_posix() for file in imported_files(Path(start), ROOT)}


def needed_code(stage: str) -> set[str]:
    found = reached(f"stages/{stage}.py")
    if stage == "package":
        found |= set(SERVICE).union(*map(reached, SERVICE))
    if FEATURES in GRAPH[stage]["deps"]:
        # Which module is used is a parameter, so what any of them imports is declared.
        modules = {f"features/{file.name}" for file in (ROOT / "features").glob("[!_]*.py")}
        found = found.union(*map(reached, modules)) - modules | {FEATURES}
    return found


def test_every_script_is_a_stage_and_every_stage_a_script():
    assert {file.stem for file in (ROOT / "stages").glob("[!_]*.py")} == set(GRAPH)


@pytest.mark.parametrize("stage", GRAPH)
def test_a_stage_declares_the_code_that_it_reaches_and_no_other(stage):
    declared, needed = declared_code(stage), needed_code(stage)
    missing, superfluous = sorted(needed - declared), sorted(declared - needed)
    assert not missing, f"dvc.yaml: stages.{stage}.deps: missing: {', '.join(missing)}"
    assert not superfluous, f"dvc.yaml: stages.{stage}.deps: superfluous: {', '.join(superfluous)}"


@pytest.mark.parametrize("stage", GRAPH)
def test_a_stage_that_computes_features_declares_their_module(stage):
    loads = any("load_module(" in (ROOT / name).read_text() for name in (f"stages/{stage}.py", f"keepfit/{stage}.py"))
    assert loads <= (FEATURES in GRAPH[stage]["deps"]), f"dvc.yaml: stages.{stage}.deps: missing: {FEATURES}"


@pytest.mark.parametrize("stage", GRAPH)
def test_a_path_on_the_command_line_is_a_dependency_or_an_output(stage):
    command = GRAPH[stage]["cmd"].split()
    assert command[:3] == ["python", "-m", f"stages.{stage}"]
    listed = [*GRAPH[stage]["deps"], *GRAPH[stage].get("outs", []), *GRAPH[stage].get("metrics", [])]
    known = {name for entry in listed for name in (entry if isinstance(entry, dict) else [entry])}
    assert set(command[3:]) <= known


@pytest.fixture
def used() -> set[str]:
    return set()


@pytest.fixture
def watched(used: set[str], tmp_path: Path) -> Settings:
    """Toy settings that write down which of their sections are read."""

    def watch(section: type, prefix: str, values: dict[str, Any]) -> Any:
        class Watched(section):
            def __getattribute__(self, name: str) -> Any:
                if name in section.model_fields:
                    used.add(prefix + name.removesuffix("_"))
                return super().__getattribute__(name)

        return Watched.model_construct(**values)

    source = {"kind": "file", "path": str(tmp_path / "toy.csv"), "watch": "toy.csv"}
    overrides = {"dataset.source": source, "train.holdout": 60, "gate.min_rows": 30, "dataset.freshness": "36500D"}
    settings = toy_settings(model=BOOSTED, search={"kind": "random", "trials": 2}, **overrides)
    whole = {
        **vars(settings),
        "dataset": watch(Dataset, "dataset.", vars(settings.dataset)),
        "objective": watch(Objective, "objective.", vars(settings.objective)),
        "drift": watch(Drift, "drift.", vars(settings.drift)),
    }
    return watch(Settings, "", whole)


def paths_of(stage: str, folder: Path) -> list[Path]:
    names = [Path(name).name for name in GRAPH[stage]["cmd"].split()[3:]]
    return [folder / name for name in names]


def run_until(last: str, settings: Settings, used: set[str], folder: Path) -> None:
    """Run the stages as `dvc repro` does, and keep what the last one of them read."""
    (folder / "repairs").mkdir()
    toy_rows().to_csv(folder / "toy.csv", index=False)
    # A second ingest compares itself with the first.
    for stage in ["ingest", *TOLD[: TOLD.index(last) + 1]]:
        used.clear()
        main: Callable = import_module(f"stages.{stage}").main
        main(settings, *paths_of(stage, folder))


@pytest.mark.parametrize("stage", TOLD)
def test_a_stage_declares_every_parameter_that_it_reads(stage, watched, used, tmp_path, monkeypatch):
    # The train stage hashes the code of the folder it runs in.
    monkeypatch.chdir(ROOT)
    run_until(stage, watched, used, tmp_path)
    # What stands in the command is declared by it: another value is another command.
    templated = {name for name in used if f"${{{name}}}" in GRAPH[stage]["cmd"]}
    declared = set(GRAPH[stage]["params"])
    # Results do not depend on the engine.
    used -= {"engine"}
    sections = {name for name in used if name.split(".")[0] not in ("dataset", "objective", "drift")}
    keys = {name for name in used if "." in name}
    missing = {name for name in (sections | keys) - templated if not {name, name.split(".")[0]} & declared}
    assert not missing, f"dvc.yaml: stages.{stage}.params: missing: {', '.join(sorted(missing))}"
    superfluous = {name for name in declared - {"dataset", "objective", "drift"} if name not in used}
    assert not superfluous, f"dvc.yaml: stages.{stage}.params: superfluous: {', '.join(sorted(superfluous))}"


@pytest.mark.parametrize("stage", GRAPH)
def test_no_stage_runs_again_for_another_engine(stage):
    assert not [name for name in GRAPH[stage].get("params", []) if name.split(".")[0] == "engine"]


def test_packaging_reads_no_parameter_but_the_name_in_its_paths():
    assert GRAPH["package"]["params"] == ["dataset.name"]
    assert next(iter(signature(import_module("stages.package").main).parameters)) == "_"
