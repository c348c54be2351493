"""App: the service as a raw ASGI application: a request is routed, let in, read, answered and counted."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from keepfit.errors import KeepfitError
from keepfit.serving.options import ServiceOptions
from keepfit.serving.predict import predict
from keepfit.serving.problems import Refusal
from keepfit.serving.served import Served

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
JSON = (b"content-type", b"application/json")


class App:
    """Answers with `served`, which is replaced in one assignment when another champion takes its place."""

    def __init__(self, options: ServiceOptions) -> None:
        self.options = options
        self.served: Served | None = None
        # Where predictions and outcomes are logged; None where nothing is.
        self.journal: Any = None
        self._routes = {"/predict": ("POST", self._predict), "/model": ("GET", self._model)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        route = self._routes.get(scope["path"])
        headers: tuple[tuple[bytes, bytes], ...] = ()
        try:
            if route is None:
                raise Refusal(404, f"{scope['path'][:100]}: no such path; /docs lists them")
            method, handler = route
            if scope["method"] != method:
                raise Refusal(405, f"{scope['method']}: allowed: {method}", headers=((b"allow", method.encode()),))
            status, body = 200, await handler(scope, receive)
        except Refusal as refusal:
            status, body, headers = refusal.status, refusal.encode(), refusal.headers
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": status, "headers": [JSON, length, *headers]})
        await send({"type": "http.response.body", "body": body})

    async def _predict(self, scope: Scope, receive: Receive) -> bytes:
        body = await self._read_body(scope, receive)
        try:
            return predict(self._ready(), body)
        except KeepfitError as error:
            raise Refusal(422, str(error)) from None

    async def _model(self, _scope: Scope, _receive: Receive) -> bytes:
        return msgspec.json.encode(self._ready().passport.model_dump(mode="json", exclude_none=True))

    def _ready(self) -> Served:
        if self.served is None:
            raise Refusal(503, "no champion is loaded yet")
        return self.served

    async def _read_body(self, scope: Scope, receive: Receive) -> bytes:
        given = {name: value for name, value in scope["headers"] if name in (b"content-type", b"content-length")}
        if given.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
            raise Refusal(415, "content type: allowed: application/json")
        largest = self.options.max_body
        if int(given.get(b"content-length", b"0")) > largest:
            raise Refusal(413, f"{given[b'content-length'].decode()} bytes; allowed: {largest}")
        message = await receive()
        if not message.get("more_body"):
            return message.get("body", b"")
        async with asyncio.timeout(self.options.timeout):
            return await _read_on(message, receive, largest)


async def _read_on(message: MutableMapping[str, Any], receive: Receive, largest: int) -> bytes:
    parts, size = [message["body"]], len(message["body"])
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > largest:
            raise Refusal(413, f"more than {largest} bytes; allowed: {largest}")
    return b"".join(parts)
