"""Small champions of the shipped datasets and models, fitted without the search and the history of training."""

import json
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd
import yaml

from keepfit.bundle import Bundle, read_bundle, write_bundle
from keepfit.compiled.packing import pack_scorer
from keepfit.estimator import build
from keepfit.evidence import collect
from keepfit.examples import holdout_split, labelled_examples
from keepfit.features import load_module
from keepfit.profile import Profile
from keepfit.provenance import issue_passport
from keepfit.scores import predict_scores
from keepfit.servable import SERVING, Servable, describe
from keepfit.settings import Settings
from keepfit.train import Trained
from tests.modelling import ROOT, shipped_model
from tests.toys import MULTICLASS, REGRESSION, toy_settings, toy_table

DATASETS = sorted(path.stem for path in (ROOT / "conf" / "dataset").glob("*.yaml"))
# Rows so few need small leaves.
SMALL = {
    "hist_gradient_boosting": {"max_iter": 12, "min_samples_leaf": 15},
    "random_forest": {"n_estimators": 8, "min_samples_leaf": 8},
}
ROWS = 700


def _declared(dataset: str) -> dict:
    values = yaml.safe_load((ROOT / "conf" / "dataset" / f"{dataset}.yaml").read_text())
    if "defaults" in values:
        values = _declared(values["defaults"][0]) | {
            name: value for name, value in values.items() if name != "defaults"
        }
    return values


def settings_of(dataset: str, model: str, task: str | None = None) -> Settings:
    values = _declared(dataset)
    shipped = shipped_model(model).model_dump(mode="json")
    shipped["params"] |= SMALL.get(model, {})
    extra = {}
    if task == "multiclass":
        # The same label in three classes.
        values |= {"task": "multiclass", "label": "kind", "classes": ["low", "middle", "high"]}
        values["columns"] = values["columns"] | {"kind": {"type": "category", "nullable": True}}
        extra = {"objective.cost": MULTICLASS["objective.cost"]}
    elif values["task"] == "regression":
        extra = {name: value for name, value in REGRESSION.items() if name.startswith("objective")}
    return toy_settings(dataset=values, model=shipped, **{"train.holdout": 100, "train.folds": 2}, **extra)


def draw_rows(settings: Settings, seed: int = 0) -> pd.DataFrame:
    """Typed rows of a dataset's declared columns, with what is missing where it may be."""
    generator = np.random.default_rng(seed)
    columns = {name: _draw(column, name, generator) for name, column in settings.dataset.columns.items()}
    rows = pd.DataFrame(columns)
    if settings.dataset.name == "sp500":
        close = 100 * np.exp(np.cumsum(generator.normal(scale=0.012, size=ROWS)))
        rows = rows.assign(Close=close, High=close * 1.01, Low=close * (0.985 + 0.01 * generator.uniform(size=ROWS)))
    if "arr_delay" in rows:
        signal = 40 * (rows.hour > 14) + 5 * rows.weekday + generator.normal(scale=30, size=ROWS) - 20
        rows["arr_delay"] = signal.clip(-100, 1000)
        rows.loc[ROWS - 1, "arr_delay"] = np.nan
        if "kind" in rows:
            rows["kind"] = pd.cut(rows.arr_delay, [-1e9, 0, 30, 1e9], labels=["low", "middle", "high"], ordered=False)
    return rows


def _draw(column, name: str, generator: np.random.Generator) -> pd.Series:
    if column.type == "datetime":
        return pd.Series(pd.date_range("2013-01-01", periods=ROWS, freq="6h").astype("datetime64[ns]"))
    if column.type == "category":
        texts = generator.choice(list(column.allowed or [f"{name}{n}" for n in range(12)]), size=ROWS)
        return pd.Series(texts, dtype="category")
    low, high = column.min or 0.0, column.max if column.max is not None else (column.min or 0.0) + 1000
    values = pd.Series(generator.uniform(low, high, size=ROWS))
    values = values.round() if column.type == "int" else values
    return values.where(generator.uniform(size=ROWS) > 0.1) if column.nullable else values


def small_champion(folder: Path, rows: pd.DataFrame, settings: Settings) -> Bundle:
    """Fit the model of the settings on all but the holdout, and write its bundle."""
    examples = labelled_examples(toy_table(rows, settings), settings)
    split = holdout_split(examples, settings)
    early, held = examples.take(split.train), examples.take(split.test)
    task = settings.dataset.task
    model = build(early.features, settings.model, task=task, seed=settings.seed).fit(early.features, early.labels)
    scores = predict_scores(model, held.features, task, classes=len(settings.dataset.classes))
    reference = collect(
        held.features,
        times=held.times,
        labels=held.labels,
        scores=scores,
        time=settings.dataset.time,
        classes=settings.dataset.score_classes,
    )
    windows = {"learned_before_holdout": early.window, "judged_on": held.window, "trained_on": examples.window}
    trained = Trained(model, None, {}, 0.3, reference, pd.DataFrame(), [{}, {}], [], **windows)
    passport = issue_passport(
        trained, settings, load_module(settings.dataset.features.module), rows="rows", table="table", code="code"
    )
    write_bundle(folder, passport, trained, Profile(columns={}, calmest=1, busiest=1))
    return read_bundle(folder)


@cache
def packed(dataset: str, model: str, task: str | None) -> tuple[Bundle, Servable, pd.DataFrame]:
    """A small champion with what `package` puts beside it, and the rows that it comes from."""
    settings = settings_of(dataset, model, task)
    rows = draw_rows(settings)
    bundle = small_champion(Path(mkdtemp(), "champion"), rows, settings)
    parity, files = pack_scorer(bundle, rows, bundle.folder, drawn=600)
    servable = describe(bundle, rows, parity).model_copy(update={"files": files})
    (bundle.folder / SERVING).write_text(json.dumps(servable.model_dump(mode="json")))
    return bundle, servable, rows
