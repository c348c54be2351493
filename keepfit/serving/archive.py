"""Archive: one prediction found again, with all that it came from and what came of it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Engine, func, select, union_all

from keepfit.dataset import Column
from keepfit.errors import KeepfitError, LogError
from keepfit.passport import Passport, Request
from keepfit.serving.frames import make_frame
from keepfit.serving.served import Served
from keepfit.serving.tables import earlier, outcomes, predictions, removals, tell_where
from keepfit.serving.values import Typed, WrongValue, make_reader

NANOSECONDS = 1_000_000_000
Row = dict[str, Any]


def find(engine: Engine, name: str, models: Iterable[Served]) -> Row | None:
    """Return a prediction with its row, features, model and outcome, or None; raise SQLAlchemyError.

    `models` are those whose features can be computed again.
    """
    with engine.connect() as connection:
        record = connection.execute(select(predictions).where(predictions.c.id == name)).one_or_none()
        if record is None:
            return None
        outcome = connection.execute(select(outcomes).where(outcomes.c.id == name)).one_or_none()
        parts = [
            select(table.c.number, table.c.row).where(table.c.request == record.request)
            for table in (earlier, predictions)
        ]
        rows = {number: msgspec.json.decode(row) for number, row in connection.execute(union_all(*parts))}
    told = _tell_record(record) | {"outcome": outcome and _tell_outcome(outcome, record.time_ns)}
    served = next((each for each in models if each.digest == record.digest), None)
    return told | _trace(served, rows, record.number)


def _tell_record(record: Any) -> Row:
    return {
        "id": record.id,
        "time": write_moment(record.time_ns),
        "request": record.request,
        "number": record.number,
        "key": record.key,
        "role": record.role,
        "score": record.score,
        "scores": record.scores and msgspec.json.decode(record.scores),
        "decision": record.label and msgspec.json.decode(record.label),
        "version": record.version,
        "digest": record.digest,
        "latency_ms": record.latency_us / 1000,
        "row": msgspec.json.decode(record.row),
    }


def _tell_outcome(outcome: Any, predicted_ns: int) -> Row:
    return {
        "value": msgspec.json.decode(outcome.value),
        "time": write_moment(outcome.time_ns),
        "key": outcome.key,
        "delay_seconds": (outcome.time_ns - predicted_ns) / NANOSECONDS,
    }


def _trace(served: Served | None, rows: Mapping[int, Row], number: int) -> Row:
    """Return the passport and the features, or why they are not known here."""
    if served is None:
        why = "another model answers now; `digest` is the SHA-256 of the passport of the one that answered"
        return {"passport": None, "features": None, "why_no_features": why}
    passport = served.passport
    told = {"passport": passport.model_dump(mode="json", exclude_none=True)}
    try:
        return told | {"features": compute_features(served, rows, number), "why_no_features": None}
    except (KeepfitError, WrongValue) as error:
        return told | {"features": None, "why_no_features": str(error)}


def compute_features(served: Served, rows: Mapping[int, Row], number: int) -> Row:
    """Return the features of a row of a request from the request's rows; raise LogError, FeatureError or WrongValue."""
    passport = served.passport
    columns = readable_columns(passport)
    try:
        needed = _find_history(passport.request, rows, number)
    except KeyError as missing:
        raise LogError(f"row {missing} of the request, on which it looks back, is not in the log any more") from None
    values = [read_row(row, columns) for row in needed]
    if passport.request.look_back:
        found = served.scorer.features_of(make_frame(values, columns)).iloc[-1]
        features = [found[name] for name in passport.features]
    else:
        features = list(served.scorer.features_of_row(values[0]))
    return {name: _plain(value) for name, value in zip(passport.features, features, strict=True)}


def _find_history(request: Request, rows: Mapping[int, Row], number: int) -> list[Row]:
    """Return a row of a request after those that it looks back on; raise KeyError with the first that is not there.

    Of entities no row between may be missing: it may have been one of them.
    """
    if request.entity is None:
        return [rows[each] for each in range(number - request.look_back, number + 1)]
    found, at = [rows[number]], number
    while len(found) <= request.look_back:
        at -= 1
        if rows[at][request.entity] == found[0][request.entity]:
            found.append(rows[at])
    return found[::-1]


def readable_columns(passport: Passport) -> dict[str, Column]:
    """Return the columns as the log has them: times in ISO 8601, whatever form a request has.

    Raises LogError where one is personal: its values are not there.
    """
    columns = passport.request.columns
    if personal := [name for name, column in columns.items() if column.pii]:
        raise LogError(f"marked pii, so that the log does not have them: {', '.join(personal)}")
    changes = {"nullable": True, "format": None, "min": None, "max": None}
    return {name: column.model_copy(update=changes) for name, column in columns.items()}


def read_row(row: Row, columns: Mapping[str, Column]) -> list[Typed]:
    """Return a logged row as typed values in the order of the columns; raise WrongValue."""
    return [make_reader(column)(row.get(name)) for name, column in columns.items()]


def write_moment(nanoseconds: int) -> str:
    """Return a time of the log in ISO 8601, to the millisecond."""
    return datetime.fromtimestamp(nanoseconds / NANOSECONDS, UTC).isoformat(timespec="milliseconds")


def _plain(value: Any) -> float | str | None:
    if value is None or value != value:
        return None
    return value if isinstance(value, str) else float(value)


def summarise(engine: Engine) -> list[tuple[str, str]]:
    """Return what is in the log, in words; raise SQLAlchemyError."""
    with engine.connect() as connection:
        count, first, last = connection.execute(
            select(func.count(), func.min(predictions.c.time_ns), func.max(predictions.c.time_ns))
        ).one()
        joined = predictions.join(outcomes, predictions.c.id == outcomes.c.id)
        known = connection.execute(select(func.count()).select_from(joined)).scalar_one()
        roles = connection.execute(
            select(predictions.c.role, predictions.c.version, func.count()).group_by("role", "version")
        ).all()
        taken = connection.execute(select(removals).order_by(removals.c.time_ns.desc()).limit(5)).all()
    told = [("log", tell_where(engine)), ("predictions", f"{count:,}")]
    if count:
        told += [("from", f"{write_moment(first)} to {write_moment(last)}"), ("with outcome", f"{known / count:.1%}")]
    told += [(f"{role} {version}", f"{number:,}") for role, version, number in roles]
    return told + [
        (each.action, f"{each.what}: {each.predictions} predictions, {write_moment(each.time_ns)}, by {each.who}")
        for each in taken
    ]
