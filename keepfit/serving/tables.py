"""Tables: the prediction log in a database, SQLite or PostgreSQL."""

from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Engine,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    inspect,
    make_url,
)
from sqlalchemy.exc import ArgumentError

from keepfit.errors import LogError
from keepfit.serving.location import URL

DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
# Seconds to wait for a database that does not answer, and for another writer of SQLite.
PATIENCE = 5

metadata = MetaData()
# Times are nanoseconds since 1970 in UTC; `row`, `scores`, `label` and `value` are JSON.
predictions = Table(
    "keepfit_predictions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("time_ns", BigInteger, nullable=False),
    Column("request", String(64), nullable=False),
    Column("number", Integer, nullable=False),
    Column("key", String(128), nullable=False),
    Column("role", String(16), nullable=False),
    Column("score", Double, nullable=False),
    Column("scores", Text),
    Column("label", Text),
    Column("version", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("latency_us", BigInteger, nullable=False),
    Column("row", Text, nullable=False),
    Index("keepfit_predictions_request", "request"),
    Index("keepfit_predictions_time", "time_ns"),
    sqlite_with_rowid=False,
)
outcomes = Table(
    "keepfit_outcomes",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("time_ns", BigInteger, nullable=False),
    Column("key", String(128), nullable=False),
    Column("value", Text, nullable=False),
    # `time_ns` is when this value was first told, this when it was last told; none in logs from before it was kept.
    Column("last_ns", BigInteger),
    sqlite_with_rowid=False,
)
earlier = Table(
    "keepfit_earlier",
    metadata,
    Column("request", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("time_ns", BigInteger, nullable=False),
    Column("row", Text, nullable=False),
    sqlite_with_rowid=False,
)
# Up to where each segment of a journal has been moved, in the same transaction as what was in it.
segments = Table(
    "keepfit_segments",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("moved", BigInteger, nullable=False),
)
# Who had what removed: of an erasure the column and the counts, never the value.
removals = Table(
    "keepfit_removals",
    metadata,
    Column("time_ns", BigInteger, primary_key=True, autoincrement=False),
    Column("action", String(16), nullable=False),
    Column("who", String(128), nullable=False),
    Column("what", Text, nullable=False),
    Column("predictions", BigInteger, nullable=False),
    Column("outcomes", BigInteger, nullable=False),
    Column("earlier", BigInteger, nullable=False),
    Column("journal", BigInteger, nullable=False),
)


def open_log(url: str) -> Engine:
    """Return the engine of a log, without asking the database yet; raise LogError."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The message would have the password in it.
        raise LogError(f"{URL}: not a URL; allowed: postgresql://USER@HOST/NAME, sqlite:////PATH") from None
    if parsed.drivername in DRIVERS:
        parsed = parsed.set(drivername=DRIVERS[parsed.drivername])
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed)
    if parsed.drivername not in DRIVERS.values():
        raise LogError(f"{URL}: {parsed.drivername}; allowed: postgresql, sqlite")
    waiting = {"connect_timeout": PATIENCE, "tcp_user_timeout": 1000 * PATIENCE}
    return create_engine(parsed, pool_pre_ping=True, connect_args=waiting)


def prepare(engine: Engine) -> None:
    """Make the tables and columns that are not there yet; raise SQLAlchemyError where the database does not answer."""
    metadata.create_all(engine)
    if not any(column["name"] == "last_ns" for column in inspect(engine).get_columns(outcomes.name)):
        with engine.begin() as connection:
            connection.exec_driver_sql(f"ALTER TABLE {outcomes.name} ADD COLUMN last_ns BIGINT")


def tell_where(engine: Engine) -> str:
    """Return where the log is, without a password."""
    return engine.url.render_as_string(hide_password=True)


def _open_sqlite(url: Any) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": PATIENCE})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # In WAL mode readers do not wait. FULL: what is committed stays, and its segment can go.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "cache_size=-16000"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
