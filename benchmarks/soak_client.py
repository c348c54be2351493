"""Clients of the soak: connections that ask at a given rate and note every answer."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

ID = re.compile(rb'"id":"([0-9a-f]{32})"')
VERSION = re.compile(rb'"version":"([0-9a-f]+)"')
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Ask:
    """A request as bytes, and the status that it must get."""

    content: bytes
    status: int


@dataclass
class Notes:
    """What was answered: statuses, wrong ones, versions, ids that were acknowledged as logged, and what broke."""

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    versions: Counter[str] = field(default_factory=Counter)
    logged: list[bytes] = field(default_factory=list)
    unlogged: int = 0
    broken: int = 0

    def note(self, ask: Ask, status: int, body: bytes) -> None:
        """Take down one answer."""
        self.statuses[status] += 1
        if status != ask.status:
            self.wrong.append(f"{status} for {ask.status}: {body[:200].decode()}")
        if status != 200:
            return
        version, name = VERSION.search(body), ID.search(body)
        if version is None or name is None:
            self.wrong.append(body[:200].decode())
            return
        self.versions[version[1].decode()] += 1
        if b'"logged":true' in body:
            self.logged.append(bytes.fromhex(name[1].decode()))
        else:
            self.unlogged += 1


class Connection(asyncio.Protocol):
    """Asks, waits for the answer, and asks again when its turn comes; `period` 0 asks at once."""

    def __init__(self, asks: Iterator[Ask], notes: Notes, period: float) -> None:
        self._asks, self._notes, self._period = asks, notes, period
        self._loop = asyncio.get_running_loop()
        self._next = self._loop.time()
        self._buffer = b""
        self._done = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        self._transport = transport
        self._send()

    def connection_lost(self, _: Exception | None) -> None:
        """Count it: the service closes no connection that is used."""
        self._notes.broken += not self._done

    def data_received(self, data: bytes) -> None:
        """Note the answer once it is whole."""
        self._buffer += data
        head, _, body = self._buffer.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if length is None or len(body) < int(length[1]):
            return
        self._buffer = b""
        self._notes.note(self._ask, int(head[9:12]), body)
        now = self._loop.time()
        # Who fell behind by a second does not make up for it.
        self._next = max(self._next + self._period, now - 1.0)
        if self._next > now:
            self._loop.call_at(self._next, self._send)
        else:
            self._send()

    def stop(self) -> None:
        """Ask no more."""
        self._done = True

    def _send(self) -> None:
        if self._done:
            self._transport.close()
            return
        self._ask = next(self._asks)
        self._transport.write(self._ask.content)


async def ask_for(seconds: float, asks: Iterator[Ask], *, port: int, clients: int, rate: float = 0.0) -> Notes:
    """Ask for some seconds from several connections, `rate` times a second together, or as fast as they can."""
    notes, loop = Notes(), asyncio.get_running_loop()
    period = clients / rate if rate else 0.0
    made = [
        await loop.create_connection(lambda: Connection(asks, notes, period), "127.0.0.1", port) for _ in range(clients)
    ]
    await asyncio.sleep(seconds)
    for _, connection in made:
        connection.stop()
    await asyncio.sleep(1.0)
    return notes


def write_ask(body: bytes, key: str, status: int, path: str = "/predict") -> Ask:
    """Return a request to /predict."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Authorization: Bearer {key}",
        f"Content-Length: {len(body)}",
    ]
    return Ask("\r\n".join([*lines, "", ""]).encode() + body, status)


def mix(row: dict[str, object], key: str, *, every: int) -> Iterator[Ask]:
    """Return a row without end, and each `every` requests a bad one of another kind."""
    good = write_ask(json.dumps(row, separators=(",", ":")).encode(), key, 200)
    bad = spoil(row, key)
    number = 0
    while True:
        number += 1
        yield bad[number // every % len(bad)] if number % every == 0 else good


def spoil(row: dict[str, object], key: str) -> list[Ask]:
    """Return requests that are to be refused, one of each kind."""
    name = next(name for name, value in row.items() if isinstance(value, float))
    less = {each: value for each, value in row.items() if each != name}
    return [
        write_ask(b'{"rows": [', key, 400),
        write_ask(json.dumps({**row, name: "much"}).encode(), key, 422),
        write_ask(json.dumps({**row, name: 1e300}).encode(), key, 422),
        write_ask(json.dumps(less).encode(), key, 422),
        write_ask(json.dumps({**row, "surprise": 1}).encode(), key, 422),
        write_ask(json.dumps([row] * 3 + [less]).encode(), key, 422),
        write_ask(json.dumps(row).encode(), "kf_0_none", 401),
        write_ask(json.dumps(row).encode(), key, 404, "/elsewhere"),
        write_ask(json.dumps(row).encode(), key, 405, "/model"),
    ]
