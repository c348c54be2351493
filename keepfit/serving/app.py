"""App: the service as a raw ASGI application: a request is routed, let in, read, answered and counted."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import msgspec

from keepfit.errors import KeepfitError
from keepfit.serving.access import Access
from keepfit.serving.answers import ID, Answer, Prediction
from keepfit.serving.asked import Asked, read_asked
from keepfit.serving.exposition import CONTENT_TYPE, EVERY, Board, process_families, write_text
from keepfit.serving.feedback import read_outcomes
from keepfit.serving.http import Limits, Message, Receive, Reply, Send, read_body, send_reply
from keepfit.serving.keys import Scope
from keepfit.serving.metrics import Metrics
from keepfit.serving.options import ServiceOptions
from keepfit.serving.pages import DOCS, docs_reply
from keepfit.serving.predict import predict
from keepfit.serving.problems import Refusal
from keepfit.serving.reports import report_access, report_journal, report_model
from keepfit.serving.served import Served

LOOPBACK = ("127.0.0.1", "::1")
# A body of more bytes, or whatever pandas computes, would keep all others waiting on the event loop.
SMALL = 10_000
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


class App:
    """Answers with `served`, which is replaced in one assignment when another champion takes its place."""

    def __init__(self, options: ServiceOptions) -> None:
        self.options = options
        self.served: Served | None = None
        # Where predictions and outcomes are logged, and where they are found again; None where nothing is.
        self.journal: Any = None
        self.archive: Any = None
        self.access = Access(options.keys, insecure=options.insecure, workers=options.workers)
        self.metrics = Metrics(sources=[self._report])
        self.board = Board(options.board)
        self._limits = Limits(options.max_body, options.timeout)
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="scoring")
        self._started = time.time()
        docs: tuple[Scope, ...] | None = None if options.docs == "open" else ("read", "predict", "feedback")
        metrics: tuple[Scope, ...] | None = ("read",) if options.metrics == "key" else None
        self.routes = {
            "/predict": Route("POST", ("predict",), self._predict),
            "/feedback": Route("POST", ("feedback",), self._feedback),
            "/model": Route("GET", ("read", "predict"), self._model),
            "/metrics": Route("GET", metrics, self._metrics),
            "/openapi.json": Route("GET", docs, self._openapi),
            DOCS: Route("GET", None, docs_reply),
            "/": Route("GET", None, docs_reply),
        }
        self._prediction = Route("GET", ("read",), self._find)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        started = time.perf_counter()
        path = scope["path"]
        route = self.routes.get(path)
        if route is None and path.startswith("/predictions/"):
            route, path = self._prediction, "/predictions/{id}"
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

    async def _predict(self, call: Call) -> Reply:
        served = self._ready()
        body = await read_body(call.headers, call.receive, self._limits)
        asked = read_asked(call.scope["query_string"], served.passport, served.servable)
        if len(body) > SMALL or asked.reasons or not served.scorer.compiled or served.checks.look_back:
            loop = asyncio.get_running_loop()
            predictions = await loop.run_in_executor(self._threads, self._score, served, body, asked)
        else:
            predictions = self._score(served, body, asked)
        return self._tell(served, predictions)

    def _score(self, served: Served, body: bytes, asked: Asked) -> list[Prediction]:
        rows = served.checks.read(body)
        try:
            return predict(served, rows, asked)
        except KeepfitError as error:
            raise Refusal(422, str(error)) from None

    def _tell(self, served: Served, predictions: list[Prediction]) -> Reply:
        for prediction in predictions:
            prediction.logged = False
            unknown = prediction.unknown
            self.metrics.count_row("champion", prediction.score, () if unknown is msgspec.UNSET else unknown)
        return Reply(200, msgspec.json.encode(Answer(served.passport.version, predictions)))

    async def _feedback(self, call: Call) -> Reply:
        served = self._ready()
        body = await read_body(call.headers, call.receive, self._limits)
        outcomes = read_outcomes(body, served.passport, most=self.options.max_outcomes)
        return Reply(200, msgspec.json.encode({"accepted": len(outcomes), "logged": False}))

    async def _model(self, _call: Call) -> Reply:
        return Reply(200, msgspec.json.encode(self._ready().description))

    async def _find(self, call: Call) -> Reply:
        name = call.scope["path"].removeprefix("/predictions/")
        if not ID.fullmatch(name):
            raise Refusal(422, "id: allowed: 32 hexadecimal digits, as in the answer of /predict")
        if self.archive is None:
            raise Refusal(404, f"{name}: no prediction is logged here")
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, self.archive.find, name)
        if found is None:
            raise Refusal(404, f"{name}: no such prediction, or not in the database yet")
        return Reply(200, msgspec.json.encode(found))

    async def _metrics(self, call: Call) -> Reply:
        client = call.scope.get("client") or ("", 0)
        if self.options.metrics == "loopback" and client[0] not in LOOPBACK:
            raise Refusal(403, "/metrics: allowed: clients on loopback")
        return Reply(200, write_text(self.board.gather(self.metrics.families())), kind=CONTENT_TYPE)

    async def _openapi(self, _call: Call) -> Reply:
        from keepfit.serving.openapi import document

        return Reply(200, msgspec.json.encode(document(self._ready(), self.options)))

    async def keep_board(self) -> None:
        """Leave what this process counted where the others find it, every second."""
        while True:
            self.board.leave(self.metrics.families())
            await asyncio.sleep(EVERY)

    def _report(self) -> list[Any]:
        served = [("champion", self.served)] if self.served else []
        return [
            *report_model(served),
            *report_access(self.access.refused),
            *report_journal(self.journal),
            *process_families(self._started),
        ]

    def _ready(self) -> Served:
        if self.served is None:
            raise Refusal(503, "no champion is loaded yet")
        return self.served
