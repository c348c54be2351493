"""Drill: faults put into real rows on purpose, to see what the check says to each.

The rows are the calmest window of the holdout, scored by the model that never saw it: untouched they must stay
calm, and a drill can be held at any time.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from keepfit.alarms import judge_windows
from keepfit.bundle import Bundle
from keepfit.checkup import Checkup
from keepfit.curves import measure_importance
from keepfit.errors import DrillError
from keepfit.evidence import FOLD
from keepfit.examples import Examples
from keepfit.features import LABEL
from keepfit.history import FIRST, LAST
from keepfit.incoming import examine_raw
from keepfit.settings import Settings

HOLDOUT = "holdout"
Spoil = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Scene:
    """The rows of a drill: raw ones of a calm window and those before it, and the bundle as it was before them."""

    rows: pd.DataFrame
    past: pd.DataFrame
    bundle: Bundle
    settings: Settings
    column: str
    feature: str


@dataclass(frozen=True)
class Fault:
    """What is done to the rows, and the verdicts that may follow."""

    told: str
    expected: tuple[str, ...]
    raw: Callable[[Scene], pd.DataFrame] = lambda scene: scene.rows
    table: Callable[[Scene, pd.DataFrame], pd.DataFrame] = lambda _, table: table


def set_scene(bundle: Bundle, valid: pd.DataFrame, settings: Settings, *, feature: str) -> Scene:
    """Return the calmest window of the holdout and the bundle without it; raise DrillError where there is none.

    `feature`: the one that faults of features are put into.
    """
    time = settings.dataset.time
    drift = settings.drift.model_copy(update={"cool_down": 0, "max_age": None, "k": 1, "of": 1})
    before = without_holdout(bundle)
    windows = bundle.history[bundle.history[FIRST] > pd.Timestamp(before.passport.trained_on.last)]
    if windows.empty or before.history.empty:
        raise DrillError("the holdout has no whole window of drift.window, or there is none before it; allowed: both")
    names = [name for name in bundle.history if name not in (FIRST, LAST, "rows", "labelled")]
    judged = judge_windows(before.history, windows, names, 0.5)
    calmest = windows.loc[judged.far_out.max(axis=1).idxmin()]
    rows = valid[valid[time].between(calmest[FIRST], calmest[LAST])]
    past = valid[valid[time] < calmest[FIRST]]
    return Scene(
        rows.reset_index(drop=True),
        past,
        before,
        settings.model_copy(update={"drift": drift}),
        column=_number_column(rows, bundle),
        feature=feature,
    )


def without_holdout(bundle: Bundle) -> Bundle:
    """Return the bundle as it stood before the holdout: its other model, and the evidence up to there."""
    passport = bundle.passport.model_copy(update={"trained_on": bundle.passport.learned_before_holdout})
    last = pd.Timestamp(passport.trained_on.last)
    before = Bundle(bundle.folder, passport, bundle.digest)
    vars(before).update(
        model=bundle.holdout_model,
        reference=bundle.reference[bundle.reference[FOLD] != HOLDOUT],
        history=bundle.history[bundle.history[LAST] <= last],
        profile=bundle.profile,
    )
    return before


def strongest_feature(bundle: Bundle, settings: Settings) -> str:
    """Return the feature of numbers that the model leans on most, by permutation on the holdout."""
    rows = bundle.reference[bundle.reference[FOLD] == HOLDOUT]
    features = rows[list(bundle.passport.features)]
    examples = Examples(features, rows[LABEL].to_numpy(), rows[settings.dataset.time])
    ranked = measure_importance(examples, bundle.holdout_model, settings).feature
    numbers = features.select_dtypes("number").columns
    return next(name for name in ranked if name in numbers)


def run_drill(name: str, scene: Scene) -> Checkup:
    """Put one fault in and check; raise DrillError where there is no such fault, or nothing to put it in."""
    if name not in FAULTS:
        raise DrillError(f"{name!r}: no such fault; allowed: {', '.join(FAULTS)}")
    fault = FAULTS[name]
    return examine_raw(
        fault.raw(scene),
        scene.past,
        scene.bundle,
        scene.settings,
        spoil=lambda table: fault.table(scene, table.copy()),
    )


def _move(scene: Scene, table: pd.DataFrame, *, by: float, times: float) -> pd.DataFrame:
    usual = scene.bundle.reference[scene.feature]
    centre = usual.mean()
    return table.assign(**{scene.feature: centre + (table[scene.feature] - centre) * times + by * usual.std(ddof=0)})


def _flip(scene: Scene, table: pd.DataFrame) -> pd.DataFrame:
    labels = table[LABEL].to_numpy().copy()
    flipped = np.random.default_rng(scene.settings.seed).uniform(size=len(labels)) < 0.4
    if scene.settings.dataset.task == "regression":
        labels[flipped] += 3 * scene.bundle.reference[LABEL].std(ddof=0)
    else:
        labels[flipped] = 1 - labels[flipped]
    return table.assign(**{LABEL: labels})


def _invent(scene: Scene) -> pd.DataFrame:
    columns = scene.bundle.passport.request.columns
    names = [name for name in scene.bundle.profile.columns if columns[name].type == "category"]
    if not names:
        raise DrillError("new category: no column of the table holds categories")
    values = scene.rows[names[0]].astype(object).to_numpy().copy()
    values[::4] = "never seen before"
    return scene.rows.assign(**{names[0]: values})


def _freeze(scene: Scene) -> pd.DataFrame:
    numbers = _numbers(scene.rows, scene.bundle)
    return scene.rows.assign(**{name: scene.rows[name].iloc[0] for name in numbers})


def _repeat_day(scene: Scene) -> pd.DataFrame:
    if not scene.settings.dataset.has_time:
        raise DrillError("duplicated day: no column is a time, so a row that comes again is a row more")
    days = scene.rows[scene.settings.dataset.time].dt.floor("D")
    return pd.concat([scene.rows, scene.rows[days == days.iloc[-1]]], ignore_index=True)


def _numbers(rows: pd.DataFrame, bundle: Bundle) -> list[str]:
    # Those that features read: whose a row is would be no fault of a feed.
    columns = {name: bundle.passport.request.columns[name] for name in bundle.profile.columns}
    return [name for name, column in columns.items() if column.type in ("int", "float") and rows[name].nunique() > 1]


def _number_column(rows: pd.DataFrame, bundle: Bundle) -> str:
    numbers = _numbers(rows, bundle)
    if not numbers:
        raise DrillError("no column of the table holds numbers that vary; a drill needs one")
    return numbers[-1]


FAULTS: dict[str, Fault] = {
    "none": Fault("untouched", ("ok",)),
    "shift": Fault(
        "the strongest feature three standard deviations up",
        ("drift", "performance"),
        table=lambda scene, table: _move(scene, table, by=3, times=1),
    ),
    "scale": Fault(
        "the strongest feature four times as far from its mean",
        ("drift", "performance"),
        table=lambda scene, table: _move(scene, table, by=0, times=4),
    ),
    "missing-column": Fault(
        "a column is not there", ("data-quality",), raw=lambda scene: scene.rows.drop(columns=scene.column)
    ),
    "unit-change": Fault(
        "a column in thousandths of its unit",
        ("data-quality",),
        raw=lambda scene: scene.rows.assign(**{scene.column: scene.rows[scene.column] * 1000}),
    ),
    "label-flip": Fault("two in five outcomes are wrong", ("performance",), table=_flip),
    "new-category": Fault("every fourth row has a category never seen", ("data-quality",), raw=_invent),
    "stale-feed": Fault("every row repeats the numbers of the first", ("data-quality",), raw=_freeze),
    "duplicated-day": Fault("the last day comes twice", ("data-quality",), raw=_repeat_day),
}
