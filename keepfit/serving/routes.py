"""Routes: what may be asked, by which method, with a key of which scope, and each request taken to its answer."""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from keepfit.serving.access import Access
from keepfit.serving.http import Message, Receive, Reply, Send, send_reply
from keepfit.serving.keys import Scope
from keepfit.serving.metrics import Metrics
from keepfit.serving.problems import Refusal

# The one path that ends in a name.
PREDICTIONS = "/predictions/"
logger = logging.getLogger("bentoml.keepfit")


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was let in."""

    scope: Message
    headers: dict[bytes, bytes]
    receive: Receive
    key: str


@dataclass(frozen=True, slots=True)
class Route:
    """Who may call what by which method."""

    method: str
    scopes: tuple[Scope, ...] | None
    answer: Callable[[Call], Awaitable[Reply]]


class Router:
    """A raw ASGI application: a request is matched to its route, let in, answered and counted."""

    def __init__(self, access: Access, metrics: Metrics) -> None:
        self.access, self.metrics = access, metrics
        self.routes: dict[str, Route] = {}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        started = time.perf_counter()
        path = scope["path"]
        route = self.routes.get(path)
        if route is None and path.startswith(PREDICTIONS):
            path = f"{PREDICTIONS}{{id}}"
            route = self.routes.get(path)
        try:
            reply = await self._answer(route, scope, receive)
        except Refusal as refusal:
            reply = Reply(refusal.status, refusal.encode(), headers=refusal.headers)
        except Exception:
            logger.exception("%s %s failed", scope["method"], path)
            reply = Reply(500, b'{"error": "the service failed; its log says why", "problems": []}')
        await send_reply(send, reply)
        self.metrics.count_request(path if route else "other", reply.status, time.perf_counter() - started)

    async def _answer(self, route: Route | None, scope: Message, receive: Receive) -> Reply:
        if route is None:
            raise Refusal(404, f"{scope['path'][:100]}: no such path; /docs lists them")
        if scope["method"] != route.method:
            raise Refusal(405, f"method: allowed: {route.method}", headers=((b"allow", route.method.encode()),))
        headers = dict(scope["headers"])
        key = "" if route.scopes is None else self.access.admit(headers.get(b"authorization"), *route.scopes)
        return await route.answer(Call(scope, headers, receive, key))
