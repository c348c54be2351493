"""The drift report: what a check found and what it rests on, in plain values."""

from typing import Any

import numpy as np
import pandas as pd

from keepfit.batch import Batch
from keepfit.bootstrap import cut_blocks
from keepfit.bundle import Bundle
from keepfit.drift import Findings
from keepfit.evidence import LOSS
from keepfit.features import LABEL
from keepfit.history import FEATURE, FIRST, LAST, ROWS
from keepfit.metrics import loss_interval
from keepfit.monitoring import Drift
from keepfit.passport import library_versions
from keepfit.performance import expect, learn_expectation
from keepfit.scores import read_scores
from keepfit.settings import Settings
from keepfit.significance import adjust

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
TOP = 5


def report(findings: Findings, batch: Batch, bundle: Bundle, settings: Settings) -> dict[str, Any]:
    """Return everything that the check rests on, in plain values; a number that is not known is null."""
    passport, time = bundle.passport, settings.dataset.time
    ruling = findings.ruling
    return _plain(
        {
            "verdict": ruling.verdict,
            "action": ruling.action,
            "status": ruling.status,
            "why": ruling.why,
            "dataset": settings.dataset.name,
            "champion": {
                "version": passport.version,
                "digest": bundle.digest,
                "trained_until": passport.trained_on.last,
            },
            "batch": _span(batch.known, time) | {"set_aside": len(batch.set_aside)},
            "reference": _span(bundle.reference, time)
            | {"windows": len(bundle.history), "sha256": passport.files["reference.parquet"]},
            "policy": settings.drift.model_dump(mode="json"),
            "chance_a_window": findings.chance,
            "days_a_window": findings.days,
            "window": {} if findings.newest.empty else _span(findings.newest, time),
            "checks": list_checks(findings, settings.drift),
            "features": describe_features(findings, bundle, settings.drift),
            "quality": [each.model_dump() for each in findings.rules],
            "performance": measure_loss(findings, bundle, settings),
            "versions": versions(settings.drift.backend),
        }
    )


def list_checks(findings: Findings, drift: Drift) -> list[dict[str, Any]]:
    """Return each check: its statistic in the newest window, threshold, p-values and alarm."""
    q_values = adjust(findings.tests)
    listed = []
    for action, group in findings.groups.items():
        judged, newest = group.judged, findings.seen.index[-1]
        counts = group.alarms.tail(drift.of).sum()
        for name in group.names:
            test = findings.tests.get(name)
            listed.append(
                {
                    "check": name,
                    "action": action,
                    "statistic": findings.seen[name].iloc[-1],
                    "threshold": judged.thresholds.loc[newest, name],
                    "far_out": judged.far_out.loc[newest, name],
                    "bar": judged.bars[newest],
                    "p_value": judged.p_values.loc[newest, name],
                    "support": judged.support,
                    "windows_in_alarm": int(counts[name]),
                    "alarm": bool(counts[name] >= drift.k),
                    "test": test and {**test._asdict(), "q_value": q_values.get(name)},
                }
            )
    return listed


def describe_features(findings: Findings, bundle: Bundle, drift: Drift) -> list[dict[str, Any]]:
    """Return the features that are furthest out, each with its distribution in the reference and the window."""
    told = [each for each in list_checks(findings, drift) if each["check"].startswith(FEATURE)]
    ranked = sorted(told, key=lambda each: -np.nan_to_num(each["far_out"], nan=-np.inf))[:TOP]
    described = []
    for each in ranked:
        name = each["check"].removeprefix(FEATURE)
        sides = {"reference": bundle.reference[name], "window": findings.newest[name]}
        described.append(
            {"feature": name, "far_out": each["far_out"], "alarm": each["alarm"]}
            | {side: _distribution(values) for side, values in sides.items()}
        )
    return described


def measure_loss(findings: Findings, bundle: Bundle, settings: Settings) -> dict[str, Any]:
    """Return the newest window's loss with its interval, the reference's, and what the scores alone foretell.

    The estimate needs no label. Its interval is from how far such estimates lay off in the history.
    """
    if findings.newest.empty:
        return {}
    objective, threshold = settings.objective, bundle.passport.threshold
    expected, _, _ = expect(
        read_scores(findings.newest, objective.classes),
        learn_expectation(bundle.reference),
        objective,
        task=settings.dataset.task,
        threshold=threshold,
    )
    off = bundle.history["surprise"].dropna() if "surprise" in bundle.history else pd.Series(dtype=float)
    low, high = np.quantile(off, [0.05, 0.95]) if len(off) else (np.nan, np.nan)
    labelled = findings.newest[findings.newest[LABEL].notna()]
    found: dict[str, Any] = {
        "metric": objective.metric,
        "reference": bundle.reference[LOSS].mean(),
        "estimate": {"loss": expected.mean(), "low": expected.mean() + low, "high": expected.mean() + high},
    }
    if len(labelled) >= settings.drift.min_rows:
        blocks = cut_blocks(labelled[settings.dataset.time].reset_index(drop=True), settings.evaluate.block)
        bounds = loss_interval(
            labelled[LOSS].to_numpy(),
            blocks,
            resamples=settings.evaluate.resamples,
            interval=settings.evaluate.interval,
            seed=settings.seed,
        )
        found["measured"] = {"loss": labelled[LOSS].mean(), "low": bounds[0], "high": bounds[1], "rows": len(labelled)}
    return found


def _span(rows: pd.DataFrame, time: str) -> dict[str, Any]:
    known = int(rows[LABEL].notna().sum())
    first, last = (rows[time].iloc[0], rows[time].iloc[-1]) if len(rows) else (None, None)
    return {ROWS: len(rows), FIRST: first, LAST: last, "labelled": known}


def _distribution(values: pd.Series) -> dict[str, float]:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return {str(key): float(share) for key, share in values.value_counts(normalize=True).head(10).items() if share}
    return {f"q{round(100 * share):02d}": float(values.quantile(share)) for share in QUANTILES}


def versions(backend: str) -> dict[str, str]:
    """Return the versions of what the check was computed with."""
    from importlib.metadata import version

    return {**library_versions(), "scipy": version("scipy"), backend: version(backend)}


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case float() | np.floating():
            return float(value) if np.isfinite(value) else None
        case np.integer() | np.bool_():
            return value.item()
        case pd.Timestamp():
            return str(value)
    return value
