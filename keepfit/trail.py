"""Trail: the audit log, one line of JSON an event, each with the SHA-256 of itself and of the line before.

A changed, added, removed or reordered line breaks the chain. What the chain alone cannot show, lines cut
off its end or a whole new chain, shows against an older copy: `check_grown_from`.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from keepfit.errors import TrailError
from keepfit.files import hash_json, replacing
from keepfit.section import Section

Event = Literal["check", "train", "gate", "promote", "rollback", "pin", "unpin", "release", "failure"]
START = "0" * 64
TRAIL = Path("reports/audit.jsonl")


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


class Happening(Section):
    """What happened to which dataset, when (UTC), who did it, on which commit, to what (digests by name), and why."""

    event: Event
    dataset: str
    at: datetime = Field(default_factory=_now)
    who: str
    commit: str
    digests: dict[str, str] = {}
    reason: str
    run: str | None = None


class Entry(Happening):
    """A happening in its place: its number from 1, and the two hashes."""

    number: int
    previous: str
    hash: str


def add_entries(path: Path, happenings: Sequence[Happening]) -> list[Entry]:
    """Append events to a trail that is whole, and return all its entries.

    Raises TrailError where the trail so far is broken.
    """
    entries = read_trail(path)
    for each in happenings:
        told = {
            "number": len(entries) + 1,
            **each.model_dump(exclude_none=True),
            "at": each.at.isoformat(),
            "previous": _head(entries),
        }
        entries.append(Entry.model_validate({**told, "hash": hash_json(told)}))
    with replacing(path) as partial:
        partial.write_text("".join(f"{_write(entry)}\n" for entry in entries), encoding="utf-8")
    return entries


def read_trail(path: Path) -> list[Entry]:
    """Return the events in order, after checking the chain; an absent file is an empty trail.

    Raises TrailError, which names the first line that does not fit.
    """
    return parse_trail(path.read_text(encoding="utf-8") if path.exists() else "", name=str(path))


def parse_trail(text: str, *, name: str) -> list[Entry]:
    """Return the events of a trail's text; raise TrailError, which names the first line that does not fit."""
    entries: list[Entry] = []
    lines = text.removesuffix("\n").split("\n") if text else []
    for number, line in enumerate(lines, start=1):
        entry = _parse(line, f"{name}, line {number}")
        if entry.number != number or entry.previous != _head(entries):
            raise TrailError(
                f"{name}, line {number}: is entry {entry.number}, written after another line than the one before it: "
                "a line was removed, added, reordered or replaced"
            )
        entries.append(entry)
    return entries


def check_grown_from(older: list[Entry], newer: list[Entry], *, name: str) -> None:
    """Raise TrailError where `newer` does not start with every entry of `older`, which `name` holds."""
    for before, after in zip(older, [*newer, *[None] * len(older)], strict=False):
        if after is None or before.hash != after.hash:
            raise TrailError(f"entry {before.number} ({before.event} of {before.at:%Y-%m-%d}) in {name} is not here")


def _parse(line: str, where: str) -> Entry:
    try:
        told: dict[str, Any] = json.loads(line)
        entry = Entry.model_validate(told)
    except (ValidationError, ValueError) as error:
        raise TrailError(f"{where}: not an entry: {' '.join(str(error).split())[:120]}") from None
    told.pop("hash")
    if hash_json(told) != entry.hash:
        raise TrailError(f"{where}: was changed after it was written")
    return entry


def _write(entry: Entry) -> str:
    told = entry.model_dump(mode="json", exclude_none=True)
    return json.dumps({**told, "at": entry.at.isoformat()}, ensure_ascii=False)


def _head(entries: list[Entry]) -> str:
    return entries[-1].hash if entries else START
