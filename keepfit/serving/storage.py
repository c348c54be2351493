"""Storage: records into the tables, each once however often it comes."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Dialect, Table, and_, case, func, or_
from sqlalchemy.dialects import postgresql, sqlite

from keepfit.serving.records import Earlier, Outcome, Predicted, Record
from keepfit.serving.tables import earlier, outcomes, predictions, segments


def store(connection: Connection, records: Sequence[Record]) -> None:
    """Insert records; those that are there already stay, and an outcome that changed takes the older one's place."""
    for table, kind, values in (
        (predictions, Predicted, _predicted),
        (earlier, Earlier, _earlier),
        (outcomes, Outcome, _outcome),
    ):
        found: list[Any] = [record for record in records if type(record) is kind]
        if table is outcomes:
            # The statement compares each with what is there: the order is that of their times.
            found.sort(key=lambda record: record.time_ns)
        if found:
            _execute(connection, table, list(map(values, found)))


def remember(connection: Connection, name: str, moved: int) -> None:
    """Keep up to where a segment has been moved."""
    _execute(connection, segments, [(name, moved)])


def _execute(connection: Connection, table: Table, values: list[tuple[Any, ...]]) -> None:
    """Insert rows of values in the order of the columns, past SQLAlchemy's own handling of each parameter."""
    sql, named = _compile(connection.dialect, table)
    names = [column.name for column in table.columns]
    rows = [dict(zip(names, row, strict=True)) for row in values] if named else values
    connection.exec_driver_sql(sql, rows)


@cache
def _compile(dialect: Dialect, table: Table) -> tuple[str, bool]:
    """Return the statement that inserts into a table, and whether its parameters have names."""
    insert: Any = (postgresql if dialect.name == "postgresql" else sqlite).insert(table)
    new = insert.excluded
    if table is segments:
        statement = insert.on_conflict_do_update(index_elements=["name"], set_={"moved": new.moved})
    elif table is outcomes:
        newer = new.last_ns > func.coalesce(outcomes.c.last_ns, outcomes.c.time_ns)
        # When a value was first told stays with it.
        anew = or_(
            and_(newer, new.value != outcomes.c.value),
            and_(new.value == outcomes.c.value, new.time_ns < outcomes.c.time_ns),
        )
        fields = {name: case((anew, new[name]), else_=outcomes.c[name]) for name in ("time_ns", "key", "value")}
        fields["last_ns"] = case((newer, new.last_ns), else_=outcomes.c.last_ns)
        statement = insert.on_conflict_do_update(index_elements=["id"], set_=fields, where=or_(anew, newer))
    else:
        statement = insert.on_conflict_do_nothing()
    compiled = statement.compile(dialect=dialect, column_keys=[column.name for column in table.columns])
    return str(compiled), not compiled.positional


def _predicted(record: Predicted) -> tuple[Any, ...]:
    return (
        record.id,
        record.time_ns,
        record.request,
        record.number,
        record.key,
        record.role,
        record.score,
        None if record.scores is None else _json(record.scores),
        None if record.label is None else _json(record.label),
        record.version,
        record.digest,
        record.latency_us,
        bytes(record.row).decode(),
    )


def _earlier(record: Earlier) -> tuple[Any, ...]:
    return record.request, record.number, record.time_ns, bytes(record.row).decode()


def _outcome(record: Outcome) -> tuple[Any, ...]:
    return record.id, record.time_ns, record.key, _json(record.value), record.time_ns


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
