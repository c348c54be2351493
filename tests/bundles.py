"""Bundles of toy models, made the way the train stage makes them, and judged the way the gate does."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keepfit.bundle import Bundle, read_bundle, write_bundle
from keepfit.evaluate import Judged, judge
from keepfit.features import columns_read, load_module
from keepfit.gate import Decision, decide
from keepfit.profile import draw_profile
from keepfit.provenance import issue_passport
from keepfit.settings import Settings
from keepfit.succession import find_champion, stands, succeed
from keepfit.train import fit
from tests.toys import LOGISTIC, TASKS, TOYS, toy_settings, toy_table

# So much regularisation that the model still beats the baseline, and any model with less of it.
TIMID = {"binary": {"C": 0.003}, "multiclass": {"C": 0.001}, "regression": {"alpha": 1500}}
TREE = {
    "name": "tree",
    "estimator": {"binary": "sklearn.tree.DecisionTreeClassifier", "regression": "sklearn.tree.DecisionTreeRegressor"},
    "params": {},
    "prepare": {"encode": "ordinal", "max_categories": 10, "impute": "none", "scale": False, "select": None},
    "space": {},
}
NAIVE = TREE | {
    "name": "naive",
    "estimator": {"binary": "sklearn.dummy.DummyClassifier", "regression": "sklearn.dummy.DummyRegressor"},
}


def train_bundle(
    folder: Path,
    table: pd.DataFrame,
    settings: Settings,
    *,
    code: str = "today's code",
    valid: pd.DataFrame | None = None,
) -> Bundle:
    """Train, write and read back a bundle; another `code` is another recipe.

    `valid` are the rows behind the table, where it does not have all their columns.
    """
    trained = fit(table, settings)
    module = load_module(settings.dataset.features.module)
    passport = issue_passport(trained, settings, module, rows="rows", table="table", code=code)
    # A toy's features are its raw columns; where they are not, the profile is of those that are there.
    rows = table if valid is None else valid
    names = [name for name in columns_read(settings.dataset.features, module) if name in rows]
    profile = draw_profile(rows, settings.dataset, names, settings.drift.window)
    write_bundle(folder, passport, trained, profile)
    return read_bundle(folder)


@dataclass(frozen=True)
class Case:
    """600 toy rows of one kind of task, the newest 120 labelled ones held out."""

    task: str

    def settings(self, **overrides: Any) -> Settings:
        return toy_settings(**{"train.holdout": 120, **TASKS[self.task], **overrides})

    def timid(self, **overrides: Any) -> Settings:
        """Settings of a model that is worse than the toy's own, and still better than none."""
        return self.settings(**{"model": {**LOGISTIC, "params": TIMID[self.task]}, **overrides})

    def table(self, settings: Settings | None = None) -> pd.DataFrame:
        return toy_table(TOYS[self.task](600), settings or self.settings())


@dataclass(frozen=True)
class Trial(Case):
    """The toy's own model as the challenger, judged, and a folder for other bundles."""

    folder: Path
    challenger: Bundle
    judged: Judged

    def decide(self, champion: Bundle | None = None, *, scores: np.ndarray | None = None, **overrides: Any) -> Decision:
        """The decision on the challenger, or on a model that gives these `scores`."""
        judged = self.judged if scores is None else replace(self.judged, challenger=scores)
        return decide(judged, self.challenger, champion, self.settings(**overrides))

    def other(self, name: str, *, rows: int = 600, **overrides: Any) -> Bundle:
        """A bundle made by other settings, of the first `rows` rows."""
        settings = self.settings(**overrides)
        return train_bundle(self.folder / name, self.table(settings)[:rows], settings)

    def decide_on(self, name: str, champion: Bundle | None = None, **overrides: Any) -> Decision:
        """The decision on a challenger made by other settings."""
        settings, other = self.settings(**overrides), self.other(name, **overrides)
        return decide(judge(self.table(settings), other, settings), other, champion, settings)


def begin(task: str, folder: Path) -> Trial:
    """Train and judge the challenger of a trial."""
    case = Case(task)
    challenger = train_bundle(folder / "challenger", case.table(), case.settings())
    judged = judge(case.table(), challenger, case.settings())
    return Trial(task, folder=folder, challenger=challenger, judged=judged)


def failed(decision: Decision) -> list[str]:
    """The names of the checks that were not passed; none exactly where the decision is to promote."""
    names = [check.name for check in decision.checks if not check.passed]
    assert decision.promote is (not names)
    return names


def seen(decision: Decision, name: str) -> str:
    return next(check.seen for check in decision.checks if check.name == name)


@dataclass(frozen=True)
class Gate:
    """A folder and a record, and what the gate's stage does with them."""

    trial: Trial
    folder: Path
    record: Path

    def run(self, challenger: Bundle, **overrides) -> None:
        champion = find_champion(self.folder, self.record, challenger)
        if stands(self.record, challenger, champion):
            return
        settings = self.trial.settings(**overrides)
        judged = judge(self.trial.table(), challenger, settings)
        succeed(
            decide(judged, challenger, champion, settings), challenger, champion, folder=self.folder, record=self.record
        )

    @property
    def told(self) -> dict:
        return json.loads(self.record.read_text())

    @property
    def state(self) -> dict[str, bytes]:
        """Every byte that the gate leaves behind, hidden leftovers too."""
        files = [file for file in self.record.parent.rglob("*") if file.is_file()]
        return {str(file.relative_to(self.record.parent)): file.read_bytes() for file in files}


def name(bundle: Bundle) -> dict[str, str]:
    passport = bundle.passport
    return {"version": passport.version, "digest": bundle.digest, "trained_until": passport.trained_on.last}


def same_files(one: Path, other: Path) -> bool:
    return {file.name: file.read_bytes() for file in one.iterdir()} == {
        file.name: file.read_bytes() for file in other.iterdir()
    }
