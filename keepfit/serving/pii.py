"""Personal data: what of a raw row may be kept, and how a hash of a personal value is made."""

import hashlib
import hmac
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from keepfit.dataset import Column
from keepfit.errors import LogError

SHORTEST = 16
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Typed = float | str | int | None
Row = dict[str, Any]


def protect(row: Mapping[str, Any], columns: Mapping[str, Column], key: bytes | None) -> Row:
    """Return a row without its personal values: dropped, or as their keyed hash; missing ones stay missing."""
    kept = {}
    for name, value in row.items():
        rule = columns[name].pii if name in columns else None
        if rule != "drop":
            kept[name] = hash_value(value, key) if rule == "hash" else value
    return kept


def hash_value(value: Any, key: bytes | None) -> str | None:
    """Return the HMAC-SHA256 of a value's text, None of none; raise LogError without a key."""
    if value is None or value != value:
        return None
    if not key:
        raise LogError("a column is marked pii: hash, and there is no key to hash with: KEEPFIT_PII_KEY names its file")
    return f"hmac:{hmac.digest(key, as_text(value).encode(), hashlib.sha256).hex()}"


def as_text(value: Any) -> str:
    """Return a value as text: whole numbers alike as int and as float."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def make_writer(columns: Mapping[str, Column], key: bytes | None) -> Callable[[Sequence[Typed]], msgspec.Raw]:
    """Return the function from typed values, in the order of the columns, to the JSON of what may be kept of them.

    Raises LogError where a column is to be hashed and there is no key.
    """
    if any(column.pii == "hash" for column in columns.values()) and not key:
        hash_value("", key)
    changes: list[tuple[int, Callable[[Any], Any]]] = []
    for place, column in enumerate(columns.values()):
        if column.type == "datetime":
            changes.append((place, write_time))
        if column.pii == "hash":
            changes.append((place, lambda value: hash_value(value, key)))
    kept = [place for place, column in enumerate(columns.values()) if column.pii != "drop"]
    whole = len(kept) == len(columns)
    names = [f"c{place}" for place in kept]
    struct: Any = msgspec.defstruct(
        "Row", names, rename=dict(zip(names, (list(columns)[place] for place in kept), strict=True)), gc=False
    )
    encode = msgspec.json.Encoder().encode

    def write(values: Sequence[Typed]) -> msgspec.Raw:
        if changes or not whole:
            values = list(values)
            for place, change in changes:
                values[place] = change(values[place])
            if not whole:
                values = [values[place] for place in kept]
        return msgspec.Raw(encode(struct(*values)))

    return write


# Rows that come together are of the same hour or day.
@lru_cache(maxsize=4096)
def write_time(nanoseconds: int | None) -> str | None:
    """Return a time in UTC as ISO 8601, to the nanosecond where there are any."""
    if nanoseconds is None:
        return None
    microseconds, rest = divmod(nanoseconds, 1000)
    text = (EPOCH + timedelta(microseconds=microseconds)).replace(tzinfo=None).isoformat()
    if rest:
        text = f"{text if '.' in text else f'{text}.000000'}{rest:03d}"
    return f"{text}Z"


def read_key(path: Path | None, folder: Path) -> bytes:
    """Return the key in a file; where none is named, that of the log's folder, which is made at its first use.

    Raises LogError.
    """
    file = path or folder / "pii.key"
    try:
        if path is None:
            _make_key(file)
        key = file.read_bytes().strip()
    except OSError as error:
        raise LogError(f"{file}: no key to hash personal data with: {error.strerror}") from None
    if len(key) < SHORTEST:
        raise LogError(f"{file}: {len(key)} bytes; a key has {SHORTEST} or more")
    return key


def _make_key(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    partial.write_bytes(os.urandom(32).hex().encode())
    partial.chmod(0o600)
    try:
        # Two workers that start at once have one key.
        os.link(partial, file)
    except FileExistsError:
        pass
    finally:
        partial.unlink()
