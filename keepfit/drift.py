"""Drift: whether a batch is still what the champion knows: every check, its alarm, and the ruling."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

from keepfit.alarms import Judged, chance_a_window, columns_of, judge_windows
from keepfit.batch import Batch
from keepfit.bundle import Bundle
from keepfit.detectors import Detectors, Outcome
from keepfit.engine import Engine, InProcess
from keepfit.evidence import cut_windows, days_in_window
from keepfit.history import FEATURE, LABELLED, Reference, Ruler, draw_reference, measure_window
from keepfit.quality import Rule, check_quality
from keepfit.settings import Settings
from keepfit.significance import adjust, compute_p_values
from keepfit.verdict import Ruling, rule

# Windows that the plot of a check shows, the newest of which decide.
RECENT = 16


@dataclass(frozen=True)
class Group:
    """The checks that share a budget, how far out they are, and which of the measured windows are in alarm by which."""

    names: list[str]
    judged: Judged
    alarms: pd.DataFrame


@dataclass(frozen=True)
class Findings:
    """The ruling and what it rests on; `seen` has a row for each of the newest whole windows of the batch."""

    ruling: Ruling
    rules: list[Rule]
    chance: float
    days: float
    seen: pd.DataFrame = field(default_factory=pd.DataFrame)
    newest: pd.DataFrame = field(default_factory=pd.DataFrame)
    groups: dict[str, Group] = field(default_factory=dict)
    tests: dict[str, Outcome] = field(default_factory=dict)


def check(
    batch: Batch,
    bundle: Bundle,
    settings: Settings,
    detectors: Detectors,
    *,
    tried: pd.Timestamp | None = None,
    engine: Engine | None = None,
) -> Findings:
    """Return what every check says of the batch, and the ruling; `engine` measures windows, by default this process.

    `tried`: up to when the challenger of the last training had learned, where that was not the champion.
    """
    drift, time = settings.drift, settings.dataset.time
    times = batch.known[time]
    windows = [_slice(rows) for rows in cut_windows(times, drift.window) if len(rows) >= drift.min_rows]
    days = days_in_window(bundle.reference[time], drift.window)
    chance = chance_a_window(drift.false_alarms_per_year, days, k=drift.k, n=drift.of)
    rules = _check_newest_rows(batch, bundle, settings)
    broken = [each for each in rules if each.broken]
    if broken or not windows:
        ruling = rule(drift, broken=broken, alarms=[], labelled=False, windows=len(windows), age=0, since=0)
        return Findings(ruling, rules, chance, days)
    ruler = Ruler(settings, bundle.passport.features, bundle.passport.threshold)
    newest = batch.evidence(windows[-1])
    reference = draw_reference(bundle.reference, ruler)
    measured = [*_measure(batch, windows, reference, ruler, engine or InProcess(len(times)))]
    seen = pd.DataFrame([*measured, measure_window(reference, newest, ruler)])
    if not bundle.history.empty:
        seen = seen.reindex(columns=bundle.history.columns)
    tests = compute_p_values(reference, newest, ruler, detectors)
    groups = {
        name: judge(checks, seen, tests, bundle.history, settings, chance=chance)
        for name, checks in {"retrain": drift.retrain_on, "alert": drift.alert_on}.items()
    }
    ruling = rule(
        drift,
        broken=[],
        alarms=sounding(groups, settings),
        labelled=bool((seen[LABELLED].tail(drift.of) >= drift.min_rows).any()),
        windows=len(windows),
        age=len(windows),
        since=_windows_since(tried, times, windows),
    )
    return Findings(ruling, rules, chance, days, seen, newest, groups, tests)


def judge(
    checks: tuple[str, ...],
    seen: pd.DataFrame,
    tests: dict[str, Outcome],
    history: pd.DataFrame,
    settings: Settings,
    *,
    chance: float,
) -> Group:
    """Return the group of these checks and each window's alarms.

    Without a bar, because the history is too short or the policy asks for none, the tests' p-values
    decide on the newest window: corrected for their number, or, as the policy asks, as they are.
    """
    drift = settings.drift
    names = columns_of(checks, seen)
    judged = judge_windows(history, seen, names, chance)
    alarms = judged.alarms
    if drift.thresholds == "p_values" or judged.support == "none":
        level = drift.significance if drift.thresholds == "p_values" else chance / max(len(checks), 1)
        told = {name: test.p_value for name, test in tests.items()} | adjust(tests)
        alarms.loc[:, :] = False
        alarms.iloc[-1] = [told.get(name, 1.0) < level for name in alarms]
    return Group(names, judged, alarms)


def sounding(groups: dict[str, Group], settings: Settings) -> list[str]:
    """Return the checks in alarm in k of the newest n windows; the features sound as one."""
    found = []
    for group in groups.values():
        counts = group.alarms.tail(settings.drift.of).sum()
        found += [str(name) for name in counts.index[counts >= settings.drift.k]]
    return list(dict.fromkeys("features" if name.startswith(FEATURE) else name for name in found))


def _measure(batch: Batch, windows: list[slice], reference: Reference, ruler: Ruler, engine: Engine) -> Iterator[dict]:
    """Yield what is measured of the windows before the newest one."""
    drift = ruler.settings.drift
    recent = windows[-max(RECENT, drift.of) : -1]
    # The domain classifier costs more than all else: it is asked where its answer decides.
    asked = [(rows, place < drift.of) for rows, place in zip(recent, range(len(recent), 0, -1), strict=True)]
    return engine.map(partial(_measure_one, batch.evidence, reference, ruler), asked)


def _measure_one(
    evidence: Callable[[slice], pd.DataFrame], reference: Reference, ruler: Ruler, asked: tuple[slice, bool]
) -> dict:
    window, separate = asked
    return measure_window(reference, evidence(window), ruler, separate=separate)


def _check_newest_rows(batch: Batch, bundle: Bundle, settings: Settings) -> list[Rule]:
    drift, time = settings.drift, settings.dataset.time
    windows = cut_windows(batch.times, drift.window)
    rows = batch.rows(_slice(windows[-1]) if windows else slice(0, len(batch.times)))
    set_aside = int((batch.set_aside >= rows[time].min()).sum()) if len(rows) else len(batch.set_aside)
    if len(rows) + set_aside < drift.min_rows:
        return []
    whole = drift.window if windows else None
    return check_quality(rows, bundle.profile, drift.quality, time=time, window=whole, set_aside=set_aside)


def _slice(rows: np.ndarray) -> slice:
    return slice(int(rows[0]), int(rows[-1]) + 1)


def _windows_since(tried: pd.Timestamp | None, times: pd.Series, windows: list[slice]) -> int:
    if tried is None:
        return len(windows)
    return sum(times.iloc[rows.start] > tried for rows in windows)
