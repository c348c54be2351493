"""Keys: API keys of 256 random bits, of which the SHA-256 alone is kept, in a file that only its owner reads."""

import fcntl
import hashlib
import math
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from keepfit.errors import KeysError
from keepfit.files import replacing

Scope = Literal["predict", "feedback", "read", "admin"]
SCOPES: tuple[Scope, ...] = ("predict", "feedback", "read", "admin")
# Where in a token its id stands: kf_ID_SECRET.
ID = slice(3, 15)
# Requests a second, where a key is made without a rate.
RATE = 1000.0


class Key(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is kept of a key: never the token itself."""

    id: str
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    scopes: tuple[Scope, ...]
    created: datetime
    rate: Annotated[float, msgspec.Meta(gt=0)] = RATE
    expires: datetime | None = None
    note: str = ""

    def allows(self, scope: Scope) -> bool:
        """Tell whether it is good for a scope; `admin` is for all."""
        return scope in self.scopes or "admin" in self.scopes

    def expired(self, now: datetime) -> bool:
        """Tell whether its time is over."""
        return self.expires is not None and self.expires <= now


class KeyFile(msgspec.Struct, forbid_unknown_fields=True):
    """The file of keys."""

    keys: list[Key] = []


def read_keys(path: Path) -> list[Key]:
    """Return the keys of a file, none where there is no file; raise KeysError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=KeyFile).keys
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise KeysError(f"{path}: not a file of keys: {error}") from None


def create_key(
    path: Path, scopes: tuple[Scope, ...], *, rate: float = RATE, lifetime: timedelta | None = None, note: str = ""
) -> tuple[Key, str]:
    """Add a key to the file; return it with its token, which is nowhere else. Raises KeysError."""
    key, token = _issue(scopes, rate=rate, lifetime=lifetime, note=note)
    with _changing(path) as keys:
        keys.append(key)
    return key, token


def revoke_key(path: Path, name: str) -> None:
    """Take a key out of the file; raise KeysError."""
    with _changing(path) as keys:
        keys.remove(_find(keys, name, path))


def rotate_key(path: Path, name: str, *, grace: timedelta) -> tuple[Key, str]:
    """Add a key with the rights of an old one, which is good for `grace` longer; return it with its token.

    Raises KeysError.
    """
    with _changing(path) as keys:
        old = _find(keys, name, path)
        lifetime = old.expires - old.created if old.expires else None
        key, token = _issue(old.scopes, rate=old.rate, lifetime=lifetime, note=old.note)
        end = datetime.now(UTC) + grace
        keys[keys.index(old)] = msgspec.structs.replace(old, expires=min(end, old.expires or end))
        keys.append(key)
    return key, token


def digest_token(token: bytes) -> bytes:
    """Return the SHA-256 of a token: 256 random bits need no slow hash."""
    return hashlib.sha256(token).digest()


def _issue(scopes: tuple[Scope, ...], *, rate: float, lifetime: timedelta | None, note: str) -> tuple[Key, str]:
    if other := [each for each in scopes if each not in SCOPES]:
        raise KeysError(f"scope {other[0]!r}: allowed: {', '.join(SCOPES)}")
    if not scopes:
        raise KeysError(f"no scope; allowed: {', '.join(SCOPES)}")
    if not 0 < rate < math.inf:
        raise KeysError(f"rate {rate:g}: allowed: more than 0 requests a second")
    if lifetime is not None and lifetime <= timedelta(0):
        raise KeysError(f"lifetime {lifetime}: allowed: more than 0 days")
    name, now = secrets.token_hex(6), datetime.now(UTC).replace(microsecond=0)
    token = f"kf_{name}_{secrets.token_urlsafe(32)}"
    hashed = digest_token(token.encode()).hex()
    expires = None if lifetime is None else now + lifetime
    return Key(id=name, sha256=hashed, scopes=scopes, created=now, rate=rate, expires=expires, note=note), token


def _find(keys: list[Key], name: str, path: Path) -> Key:
    found = next((key for key in keys if key.id == name), None)
    if found is None:
        raise KeysError(f"key {name!r} is not in {path}; there are: {', '.join(key.id for key in keys) or 'none'}")
    return found


@contextmanager
def _changing(path: Path) -> Iterator[list[Key]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        keys = read_keys(path)
        yield keys
        written = msgspec.json.format(msgspec.json.encode(KeyFile(keys)))
        with replacing(path) as partial:
            handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(written + b"\n")
