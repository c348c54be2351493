"""Access: who may ask for what, and how often; the keys' file is read again when it changes."""

import hmac
import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from keepfit.errors import KeysError
from keepfit.serving.keys import ID, SCOPES, Key, Scope, digest_token, read_keys
from keepfit.serving.problems import Refusal

# Seconds between two looks at the file: as long as a revoked key may still be let in.
LOOK = 1.0
# Seconds' worth of requests that may come at once.
BURST = 2.0
ASK_FOR_KEY = ((b"www-authenticate", b'Bearer realm="keepfit"'),)
NO_DIGEST = bytes(32)
INSECURE = "insecure"
logger = logging.getLogger("bentoml.keepfit")


@dataclass(slots=True)
class Bucket:
    """A key, and the requests that it has left: they come back at its rate, up to its burst."""

    key: Key
    scopes: frozenset[str]
    digest: bytes
    rate: float
    left: float
    seen: float

    def take(self, now: float) -> float:
        """Take one; return 0, or the seconds until there is one."""
        self.left = min(self.rate * BURST, self.left + (now - self.seen) * self.rate)
        self.seen = now
        # A rate below one every two seconds would never let one in.
        if self.left >= min(1.0, self.rate * BURST):
            self.left -= 1.0
            return 0.0
        return (1.0 - self.left) / self.rate


@dataclass
class Access:
    """The keys of a file, or every request let in; a process has its share of a key's rate."""

    path: Path | None
    insecure: bool = False
    workers: int = 1
    refused: Counter[str] = field(default_factory=Counter)
    _buckets: dict[bytes, Bucket] = field(default_factory=dict)
    _look_next: float = -1.0
    _state: tuple[int, int, int] | None = None

    def admit(self, authorization: bytes | None, *scopes: Scope) -> str:
        """Return the id of a key that has one of the scopes; raise Refusal with 401, 403 or 429."""
        if self.insecure:
            return INSECURE
        now = time.monotonic()
        if now >= self._look_next:
            self._look(now)
        bucket = self._find(authorization)
        if bucket.scopes.isdisjoint(scopes):
            self._refuse("scope", 403, f"this key lacks the scope {' or '.join(scopes)}")
        if wait := bucket.take(now):
            header = ((b"retry-after", b"%d" % max(1, round(wait + 0.5))),)
            self._refuse("rate", 429, f"more than {bucket.key.rate:g} requests a second", header)
        return bucket.key.id

    def _find(self, authorization: bytes | None) -> Bucket:
        if authorization is None:
            self._refuse("missing", 401, "no key; Authorization: Bearer KEY is expected", ASK_FOR_KEY)
        kind, _, token = authorization.partition(b" ")
        bucket = self._buckets.get(token[ID])
        # As long is compared for an id that is not there as for one that is.
        same = hmac.compare_digest(digest_token(token), bucket.digest if bucket else NO_DIGEST)
        if bucket is None or not same or kind.lower() != b"bearer":
            self._refuse("unknown", 401, "no such key", ASK_FOR_KEY)
        if bucket.key.expires and bucket.key.expired(datetime.now(UTC)):
            self._refuse("expired", 401, "this key has expired", ASK_FOR_KEY)
        return bucket

    def _refuse(self, reason: str, status: int, error: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> NoReturn:
        self.refused[reason] += 1
        raise Refusal(status, error, headers=headers)

    def _look(self, now: float) -> None:
        self._look_next = now + LOOK
        state = _state_of(self.path)
        if self.path is None or state == self._state:
            return
        try:
            keys = read_keys(self.path)
        except KeysError as error:
            # Nobody is locked out, and nobody let in, by a file that is half written.
            logger.warning("%s; the keys that were read before stay", error)
            return
        self._state = state
        self._buckets = {key.id.encode(): self._open(key, now) for key in keys}

    def _open(self, key: Key, now: float) -> Bucket:
        rate = key.rate / self.workers
        known = self._buckets.get(key.id.encode())
        left = known.left if known and known.rate == rate else rate * BURST
        scopes = frozenset(scope for scope in SCOPES if key.allows(scope))
        seen = known.seen if known else now
        return Bucket(key, scopes, bytes.fromhex(key.sha256), rate=rate, left=left, seen=seen)


def _state_of(path: Path | None) -> tuple[int, int, int] | None:
    if path is None:
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
