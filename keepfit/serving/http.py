"""HTTP: the body of a request, within its limits, and an answer, as ASGI has them."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Iterator, MutableMapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from keepfit.serving.problems import Refusal

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
JSON = b"application/json"
Headers = tuple[tuple[bytes, bytes], ...]


class Reply(NamedTuple):
    """What is sent back."""

    status: int
    body: bytes
    kind: bytes = JSON
    headers: Headers = ()


class Limits(NamedTuple):
    """How large a body may be, in bytes, and how long it may take, in seconds."""

    body: int
    seconds: float


class Room:
    """How many bytes of large bodies may be held at once: callers together must not fill the memory."""

    def __init__(self, most: int) -> None:
        self.most, self.held = most, 0

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Hold so many bytes; raise Refusal where there is no room for them beside others."""
        if self.held and self.held + size > self.most:
            why = f"{self.held} bytes of other requests are being answered, with this one more than {self.most}"
            raise Refusal(429, why, headers=((b"retry-after", b"1"),))
        self.held += size
        try:
            yield
        finally:
            self.held -= size


def announced_size(headers: dict[bytes, bytes], limits: Limits) -> int:
    """Return how many bytes a body will have; as many as it may have where it does not say."""
    length = headers.get(b"content-length")
    return limits.body if length is None else min(int(length), limits.body)


async def read_body(headers: dict[bytes, bytes], receive: Receive, limits: Limits) -> bytes:
    """Return the body of a request whose headers are given; raise Refusal."""
    kind = headers.get(b"content-type", b"")
    # A browser lets any page send a form or a plain text, and asks first where it is JSON.
    if kind != JSON and kind.partition(b";")[0].strip().lower() != JSON:
        raise Refusal(415, "content type: allowed: application/json")
    length = headers.get(b"content-length")
    if length is not None and int(length) > limits.body:
        raise Refusal(413, f"{int(length)} bytes; allowed: {limits.body}")
    message = await _wait(receive, limits)
    if message.get("more_body"):
        return await _read_on(message, receive, limits)
    _refuse_gone(message)
    return message.get("body", b"")


async def send_reply(send: Send, reply: Reply) -> None:
    """Send an answer."""
    length = b"%d" % len(reply.body)
    headers = [(b"content-type", reply.kind), (b"content-length", length), *reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def _wait(receive: Receive, limits: Limits) -> Message:
    """Return the next message: nearly always it is there already, and then no timer need be set."""
    waiting: Any = receive()
    try:
        first = waiting.send(None)
    except StopIteration as done:
        return done.value
    try:
        async with asyncio.timeout(limits.seconds):
            return await _Begun(waiting, first)
    except TimeoutError:
        raise Refusal(408, f"the body did not come within {limits.seconds:g} seconds") from None


class _Begun:
    """A coroutine that was begun, and what it waits for."""

    def __init__(self, begun: Any, first: Any) -> None:
        self._begun, self._first = begun, first

    def __await__(self) -> Generator[Any, Any, Message]:
        waits_for = self._first
        while True:
            try:
                sent = yield waits_for
            except BaseException as error:  # noqa: BLE001 - handed on to whom it concerns
                step = partial(self._begun.throw, error)
            else:
                step = partial(self._begun.send, sent)
            try:
                waits_for = step()
            except StopIteration as done:
                return done.value


async def _read_on(message: Message, receive: Receive, limits: Limits) -> bytes:
    parts, size = [message.get("body", b"")], len(message.get("body", b""))
    try:
        async with asyncio.timeout(limits.seconds):
            while message.get("more_body"):
                message = await receive()
                _refuse_gone(message)
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > limits.body:
                    raise Refusal(413, f"more than {limits.body} bytes; allowed: {limits.body}")
    except TimeoutError:
        raise Refusal(408, f"the body did not come within {limits.seconds:g} seconds") from None
    return b"".join(parts)


def _refuse_gone(message: Message) -> None:
    if message["type"] == "http.disconnect":
        raise Refusal(400, "the client went away")
