"""Served rows: what the prediction log has, as the raw rows and the evidence that the drift check looks at."""

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from sqlalchemy import Engine, select

from keepfit.batch import newer_than_training, number_newer, require_same_question
from keepfit.bundle import Bundle
from keepfit.checkup import Checkup, cut_short, examine, no_curves
from keepfit.columns import parse
from keepfit.dataset import Column
from keepfit.errors import BatchError
from keepfit.features import LABEL
from keepfit.passport import Passport
from keepfit.score import compute_features
from keepfit.serving.tables import earlier, outcomes, predictions, prepare
from keepfit.settings import Settings
from keepfit.verdict import TOO_LITTLE

# The newest predictions that are looked at.
MOST = 500_000
REQUEST, NUMBER, OUTCOME, DELAY = "request", "number", "outcome", "delay"


@dataclass(frozen=True)
class Served:
    """Rows of the log: `raw` a row each with its request, its number in it, outcome and delay; `earlier` for look-back.

    `challenger` counts the rows that were left out because nobody was given their score.
    """

    raw: pd.DataFrame
    earlier: pd.DataFrame
    challenger: int


def examine_served(served: Served, bundle: Bundle, settings: Settings) -> Checkup:
    """Check the rows that were served and are newer than the champion's training, with the outcomes that came.

    Raises BatchError where the log lacks what the features need, or is another dataset's, and FeatureError.
    """
    require_same_question(bundle, settings)
    require_no_personal(bundle.passport)
    dataset, time = settings.dataset, settings.dataset.time
    table, left_out = compute_served(served, bundle.passport, dataset.columns[time], time)
    newer = newer_than_training(table, bundle, time) if dataset.has_time and len(table) else table
    left_out["not newer than the training"] = len(table) - len(newer)
    told = describe(newer, served, left_out)
    if newer.empty:
        why = "not one row was served that is newer than the champion's training"
        said = cut_short("insufficient-data", "none", why, settings, status=TOO_LITTLE)
        return Checkup(said | {"log": told}, no_curves())
    rows = newer[[name for name in dataset.columns if name in bundle.passport.request.columns or name == time]]
    rows = rows.assign(**{name: np.nan for name in dataset.columns if name not in rows})
    features = list(bundle.passport.features)
    renamed = newer[[f"feature {name}" for name in features]].set_axis(features, axis=1)
    evidence = renamed.assign(**{time: newer[time], LABEL: newer[LABEL]})
    nobody = pd.Series([], dtype="datetime64[ns]")
    found = examine(evidence, rows, bundle, settings, set_aside=nobody)
    return Checkup(found.report | {"log": told}, found.curves)


def compute_served(
    served: Served, passport: Passport, time_column: Column, time: str
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return served rows in the order of their times, with label and `feature NAME`, and how many were left out."""
    request = passport.request
    raw, before = served.raw, served.earlier
    both = pd.concat([raw.assign(scored=True), before.assign(scored=False)], ignore_index=True)
    both = both.sort_values([REQUEST, NUMBER], kind="stable").reset_index(drop=True)
    decoded = [msgspec.json.decode(row) for row in both["row"]]
    whole = np.array([row.keys() >= request.columns.keys() for row in decoded], dtype=bool)
    both, decoded = both[whole].reset_index(drop=True), [row for row, fits in zip(decoded, whole, strict=True) if fits]
    columns = {name: column.model_copy(update={"format": None}) for name, column in request.columns.items()}
    typed = parse(pd.DataFrame(decoded, columns=list(columns)), columns)
    reaches = _reaches_back(both, request.look_back, None if request.entity is None else typed[request.entity])
    kept = (both["scored"].astype(bool) & reaches).to_numpy(bool)
    left_out = {
        "with other columns": int((~whole).sum()),
        "without their look-back": int((both["scored"].astype(bool) & ~reaches).sum()),
    }
    if not kept.any():
        return _nothing(typed, time), left_out
    features = compute_features(typed, passport).reindex(typed.index)
    table = typed.join(features.add_prefix("feature "))[kept].reset_index(drop=True)
    facts = both.loc[kept, [REQUEST, NUMBER, OUTCOME, DELAY, "time_ns"]].reset_index(drop=True)
    labels = [number_outcome(value, passport) for value in facts[OUTCOME]]
    table = table.assign(**{LABEL: np.array(labels, float), DELAY: facts[DELAY], "time_ns": facts["time_ns"]})
    if request.time is None:
        asked = table.sort_values("time_ns", kind="stable").reset_index(drop=True)
        return number_newer(asked, passport, time_column, name=time), left_out
    once = _keep_once(table, [*filter(None, (time, request.entity))] if request.look_back else list(columns))
    left_out["asked again"] = len(table) - len(once)
    return once.sort_values(time, kind="stable").reset_index(drop=True), left_out


def number_outcome(value: Any, passport: Passport) -> float:
    """Return an outcome, as `/feedback` took it, as the label that the model learns; NaN where there is none."""
    if value is None:
        return np.nan
    if isinstance(value, str):
        return float(passport.classes.index(value)) if value in passport.classes else np.nan
    return float(value)


def describe(table: pd.DataFrame, served: Served, left_out: dict[str, int]) -> dict[str, Any]:
    """Return how many rows were served, how many have their outcome, and how late that came, in seconds."""
    known = table[LABEL].notna() if len(table) else pd.Series([], dtype=bool)
    delays = table.loc[known, DELAY].astype(float) if len(table) else pd.Series([], dtype=float)
    counts = {"of the challenger": served.challenger, "history for look-back": len(served.earlier), **left_out}
    return {
        "rows": len(table),
        "with_outcome": int(known.sum()),
        "coverage": float(known.mean()) if len(table) else 0.0,
        "delay": {name: float(delays.quantile(q)) for name, q in (("median", 0.5), ("p95", 0.95)) if len(delays)},
        "left_out": {name: count for name, count in counts.items() if count},
    }


def require_no_personal(passport: Passport) -> None:
    """Raise BatchError where the features need a column whose values the log does not keep."""
    if personal := [name for name, column in passport.request.columns.items() if column.pii]:
        raise BatchError(
            f"{', '.join(personal)}: marked pii, so that the log does not have what the features were computed from; "
            "check the rows at their source: keepfit check --from FILE"
        )


def read_served(engine: Engine, *, most: int = MOST) -> Served:
    """Return the newest rows that were served, with their outcomes; raise SQLAlchemyError."""
    prepare(engine)
    fields = [predictions.c[name] for name in (REQUEST, NUMBER, "role", "time_ns", "row")]
    told = [outcomes.c.value.label(OUTCOME), outcomes.c.time_ns.label("told_ns")]
    joined = predictions.outerjoin(outcomes, predictions.c.id == outcomes.c.id)
    newest = select(*fields, *told).select_from(joined).order_by(predictions.c.time_ns.desc()).limit(most)
    with engine.connect() as connection:
        rows = pd.DataFrame(connection.execute(newest).all(), columns=[each.key for each in (*fields, *told)])
        since = rows["time_ns"].min() if len(rows) else 0
        history = select(earlier.c[REQUEST], earlier.c[NUMBER], earlier.c.row).where(earlier.c.time_ns >= int(since))
        before = pd.DataFrame(connection.execute(history).all(), columns=[REQUEST, NUMBER, "row"])
    theirs = rows["role"] == "challenger"
    # Champion and canary may both have answered; the outcome came to the id that the caller was given.
    ours = rows[~theirs].sort_values(["time_ns"], kind="stable").sort_values("told_ns", kind="stable")
    once = ours.drop_duplicates([REQUEST, NUMBER]).sort_values("time_ns", kind="stable").reset_index(drop=True)
    decoded = [None if pd.isna(value) else msgspec.json.decode(value) for value in once[OUTCOME]]
    delays = (once["told_ns"].astype(float) - once["time_ns"]) / 1e9
    raw = once.assign(**{OUTCOME: pd.Series(decoded, dtype="object"), DELAY: delays})
    return Served(raw.drop(columns=["role", "told_ns"]), before, int(theirs.sum()))


def _reaches_back(both: pd.DataFrame, look_back: int, entities: pd.Series | None) -> pd.Series:
    """Tell of each row whether its request has the rows, of its own entity, that it looks back on.

    None may be missing since the first of them: of entities, it may have been one of these.
    """
    if not look_back:
        return pd.Series(True, index=both.index)
    missing = both[NUMBER] - both.groupby(REQUEST).cumcount()
    own = [both[REQUEST]] if entities is None else [both[REQUEST], entities]
    return missing.groupby(own, observed=True).shift(look_back) == missing


def _keep_once(table: pd.DataFrame, alike: list[str]) -> pd.DataFrame:
    """Return the rows without those that are there again; of those alike one with an outcome stays."""
    known = table.assign(known=table[LABEL].isna()).sort_values(["known", "time_ns"], kind="stable")
    return known.drop_duplicates(alike).drop(columns="known")


def _nothing(typed: pd.DataFrame, time: str) -> pd.DataFrame:
    empty = typed.iloc[:0].assign(**{LABEL: np.nan, DELAY: np.nan})
    return empty if time in empty else empty.assign(**{time: pd.Series([], dtype="datetime64[ns]")})
