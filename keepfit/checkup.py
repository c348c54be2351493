"""Checkup: one drift check from rows to report, alike for the stage, for a file and for a drill."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from keepfit.batch import score_batch
from keepfit.bundle import Bundle
from keepfit.detectors import load_detectors
from keepfit.drift import check
from keepfit.drift_curves import FEATURES, TIMELINE, draw_features, draw_timeline
from keepfit.drift_report import report
from keepfit.engine import Engine
from keepfit.errors import KeepfitError
from keepfit.settings import Settings
from keepfit.verdict import STATUS, TOO_LITTLE

if TYPE_CHECKING:
    from keepfit.rows import Rows


@dataclass(frozen=True)
class Checkup:
    """The report of a check and the tables of its plots, by name."""

    report: dict[str, Any]
    curves: dict[str, pd.DataFrame]


def examine(
    table: "Rows",
    rows: "Rows",
    bundle: Bundle,
    settings: Settings,
    *,
    set_aside: pd.Series,
    tried: pd.Timestamp | None = None,
    engine: Engine | None = None,
) -> Checkup:
    """Check a feature table and the typed raw rows behind it, all newer than the champion's training.

    `set_aside`: the times of the rows that `validate` put in quarantine. `tried`: up to when the challenger of
    the last training had learned. `engine` measures the windows, by default this process. Raises BatchError,
    MissingColumn and DetectorError.
    """
    batch = score_batch(table, rows, bundle, settings, set_aside=set_aside)
    findings = check(batch, bundle, settings, load_detectors(settings.drift.backend), tried=tried, engine=engine)
    return Checkup(
        report=report(findings, batch, bundle, settings),
        curves={
            "timeline": draw_timeline(findings, bundle.history),
            "features": draw_features(findings, bundle, settings.drift),
        },
    )


def without_champion(settings: Settings) -> dict[str, Any]:
    """Return the report where there is nothing to check yet."""
    return cut_short("insufficient-data", "none", "there is no champion yet", settings, status=TOO_LITTLE)


def no_curves() -> dict[str, pd.DataFrame]:
    """Return the tables of the plots without a row: DVC leaves those out, and complains of a missing file."""
    return {"timeline": pd.DataFrame(columns=TIMELINE), "features": pd.DataFrame(columns=FEATURES)}


def cut_short(verdict: str, action: str, why: str, settings: Settings, *, status: int) -> dict[str, Any]:
    """Return the report of a check that could not be made."""
    return {"verdict": verdict, "action": action, "status": status, "why": why, "dataset": settings.dataset.name}


def broken(error: KeepfitError | str, settings: Settings) -> Checkup:
    """Return the checkup of rows that did not get as far as the checks."""
    why = f"the new rows are broken: {error}"
    return Checkup(cut_short("data-quality", "fix-data", why, settings, status=STATUS["fix-data"]), no_curves())


def last_attempt(gate: dict[str, Any] | None) -> pd.Timestamp | None:
    """Return up to when the challenger of the last training had learned, from the record of the gate."""
    until = ((gate or {}).get("challenger") or {}).get("trained_until")
    return None if until is None else pd.Timestamp(until)
