"""The prediction log by hand: what is in it, moving it on, and taking out of it what may not stay."""

import getpass
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keepfit.commands.terminal import PARAMS, one_line_errors, say, show_lines
from keepfit.errors import LogError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from keepfit.serving.removal import Removed, Request

app = typer.Typer(help="The prediction log, in KEEPFIT_LOG_FOLDER and KEEPFIT_LOG_URL.", no_args_is_help=True)
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command()
def show(
    name: Annotated[str | None, typer.Argument(help="The id of a prediction; a summary of the log where none.")] = None,
) -> None:
    """Show what is in the log, or one prediction with all that it came from and what came of it."""
    import json

    from keepfit.serving.archive import find, summarise
    from keepfit.serving.mover import read_status
    from keepfit.serving.tables import prepare

    with one_line_errors(), _open() as (folder, engine):
        prepare(engine)
        if name is not None:
            found = find(engine, name, _champion())
            if found is None:
                raise LogError(f"{name}: no such prediction, or not in the database yet; `keepfit log drain` moves it")
            say(json.dumps(found, indent=2))
            return
        show_lines([*summarise(engine), *_tell_status(read_status(folder))])


@app.command()
def drain(
    follow: Annotated[bool, typer.Option("--follow", help="Go on until SIGTERM or Ctrl-C.")] = False,
) -> None:
    """Move what waits in the journal into the database. A running service does it by itself."""
    from keepfit.serving.drain import drain_lock
    from keepfit.serving.drain import follow as keep_draining
    from keepfit.serving.drainer import Drainer

    with one_line_errors(), _open() as (folder, engine), drain_lock(folder) as free:
        if not free:
            raise LogError(f"{folder}: a drainer is at work there, of a service or of another `keepfit log drain`")
        drainer = Drainer(folder, engine)
        if follow:
            stop = threading.Event()
            for each in (signal.SIGTERM, signal.SIGINT):
                signal.signal(each, lambda *_: stop.set())
            keep_draining(drainer, stop)
        drainer.drain()
        told = drainer.status
        say(f"{told.moved} records moved; {told.torn} lines were cut short, {told.refused} were refused")


@app.command()
def prune(
    older_than: Annotated[str, typer.Option("--older-than", help="An age, such as 90D, 12h or 4W.")],
    yes: Yes = False,
) -> None:
    """Remove predictions that are older than an age, with their outcomes, from database and journal."""
    from keepfit.serving import removal

    with one_line_errors(), _open() as (folder, engine):
        before = time.time_ns() - _nanoseconds(older_than)
        _remove(
            engine, lambda request: removal.prune(folder, engine, before, request), f"older than {older_than}", yes=yes
        )


@app.command()
def erase(
    where: Annotated[str, typer.Option(help="Whom the rows are about, as COLUMN=VALUE.")],
    yes: Yes = False,
) -> None:
    """Remove all rows in which a column has a value, with their outcomes, from database and journal.

    Where the column is marked `pii: hash`, the value is hashed with the same key.
    """
    from keepfit.serving import removal

    with one_line_errors(), _open() as (folder, engine):
        column, equals, value = where.partition("=")
        if not equals or not column or not value:
            raise LogError(f"--where {where!r}: allowed: COLUMN=VALUE")
        subject = removal.name_subject(column, value, _find_key(folder, column))
        _remove(engine, lambda request: removal.erase(folder, engine, subject, request), f"with that {column}", yes=yes)


def _remove(engine: "Engine", do: "Callable[[Request], Removed]", what: str, *, yes: bool) -> None:
    """Count, ask, and do."""
    from keepfit.serving.removal import Request, checkpoint

    who = getpass.getuser()
    found = do(Request(who, do=False))
    if not found:
        # An earlier removal may have left it in SQLite's files.
        checkpoint(engine)
        say(f"nothing {what} is in the log")
        return
    if not yes:
        say(f"{what}: {found}")
        if not sys.stdin.isatty():
            raise LogError("nothing was removed: nobody can be asked here; --yes removes without asking")
        typer.confirm("Remove them for good?", abort=True)
    say(f"removed {what}: {do(Request(who, do=True))}")


@contextmanager
def _open() -> "Iterator[tuple[Path, Engine]]":
    from sqlalchemy.exc import SQLAlchemyError

    from keepfit.serving.drainer import first_line
    from keepfit.serving.location import read_folder, read_url
    from keepfit.serving.tables import open_log, tell_where

    folder = read_folder(os.environ)
    url = read_url(os.environ, folder)
    if url.startswith("sqlite") and not folder.exists():
        raise LogError(f"{folder}: no log there; `keepfit serve` makes one, KEEPFIT_LOG_FOLDER names another folder")
    folder.mkdir(parents=True, exist_ok=True)
    engine = open_log(url)
    try:
        yield folder, engine
    except SQLAlchemyError as error:
        raise LogError(f"{tell_where(engine)}: {first_line(error)}") from None
    finally:
        engine.dispose()


def _find_key(folder: Path, column: str) -> bytes | None:
    """Return the key with which a column is hashed, None where there is none and none is needed."""
    from keepfit.serving.pii import read_key

    rule = _rule(column)
    if rule == "drop":
        raise LogError(f"{column}: marked pii: drop, so that the log never had it")
    given = os.environ.get("KEEPFIT_PII_KEY")
    if given or (folder / "pii.key").exists():
        return read_key(Path(given) if given else None, folder)
    if rule == "hash":
        raise LogError(f"{column}: marked pii: hash; KEEPFIT_PII_KEY must name the file of the key it was hashed with")
    return None


def _rule(column: str) -> str | None:
    from keepfit.settings import load_settings

    # Where the log is, the repository need not be.
    found = load_settings(PARAMS).dataset.columns.get(column) if PARAMS.exists() else None
    return found.pii if found else None


def _champion() -> list[Any]:
    from keepfit.bundle import PASSPORT
    from keepfit.serving.options import ServiceOptions
    from keepfit.serving.served import load_served
    from keepfit.settings import load_settings

    if not PARAMS.exists():
        return []
    folder = Path("models", load_settings(PARAMS).dataset.name, "champion")
    return [load_served(folder, ServiceOptions())] if (folder / PASSPORT).exists() else []


def _nanoseconds(age: str) -> int:
    from keepfit.spans import LENGTH, parse_span

    if not LENGTH.fullmatch(age):
        raise LogError(f"--older-than {age!r}: allowed: a length of time, such as 90D, 12h or 4W")
    return int(parse_span(age).value)  # type: ignore[union-attr]


def _tell_status(status: Any) -> list[tuple[str, str]]:
    if status is None:
        return [("drainer", "never ran here")]
    told = f"{status.waiting} records wait; {status.torn} lines were cut short, {status.refused} refused"
    return [("drainer", told), *([("database", status.error)] if status.error else [])]
