"""App: what the service answers on each of its paths."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any, NamedTuple

import msgspec

from keepfit.errors import KeepfitError, LogError
from keepfit.serving.access import Access
from keepfit.serving.answers import ID, Answer, Prediction, new_id
from keepfit.serving.asked import Asked, read_asked
from keepfit.serving.beside import Beside, Question, Role
from keepfit.serving.exposition import CONTENT_TYPE, EVERY, Board, process_families, write_text
from keepfit.serving.feedback import read_outcomes
from keepfit.serving.http import Limits, Reply, Room, announced_size, read_body
from keepfit.serving.keep import Context, Log
from keepfit.serving.keys import Scope
from keepfit.serving.metrics import Metrics
from keepfit.serving.options import ServiceOptions
from keepfit.serving.pages import DOCS, docs_reply
from keepfit.serving.predict import predict
from keepfit.serving.problems import Refusal
from keepfit.serving.reports import report_access, report_log, report_model
from keepfit.serving.routes import PREDICTIONS, Call, Route, Router
from keepfit.serving.served import Served

LOOPBACK = ("127.0.0.1", "::1")
# A body of more bytes, or whatever pandas computes, would keep all others waiting on the event loop.
SMALL = 10_000


class Said(NamedTuple):
    """What a model predicted, in which role."""

    served: Served
    role: Role
    predictions: list[Prediction]


Neighbours = Beside[Served, Said]
AnswerBody = Callable[[Call, bytes], Awaitable[Reply]]


def is_quick(served: Served) -> bool:
    """Tell whether a model scores a row so quickly that no other request waits for it."""
    return served.scorer.compiled and served.checks.look_back == 0


class App(Router):
    """Answers with `served`, which is replaced in one assignment when another champion takes its place."""

    def __init__(self, options: ServiceOptions) -> None:
        access = Access(options.keys, insecure=options.insecure, workers=options.workers)
        super().__init__(access, Metrics(sources=[self._report]))
        self.options = options
        self.served: Served | None = None
        # The challenger, where there may be one.
        self.beside: Neighbours | None = None
        # Where predictions and outcomes are logged and found again; None where nothing is.
        self.log: Log | None = None
        self.board = Board(options.board)
        self._limits = Limits(options.max_body, options.timeout)
        self._room = Room(options.max_held)
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="scoring")
        # A database that does not answer keeps nobody waiting but who asks it.
        self._finding = ThreadPoolExecutor(max_workers=1, thread_name_prefix="finding")
        self._started = time.time()
        docs: tuple[Scope, ...] | None = None if options.docs == "open" else ("read", "predict", "feedback")
        metrics: tuple[Scope, ...] | None = ("read",) if options.metrics == "key" else None
        self.routes = {
            "/predict": Route("POST", ("predict",), partial(self._with_body, self._predict)),
            "/feedback": Route("POST", ("feedback",), partial(self._with_body, self._feedback)),
            "/model": Route("GET", ("read", "predict"), self._model),
            "/metrics": Route("GET", metrics, self._metrics),
            "/openapi.json": Route("GET", docs, self._openapi),
            DOCS: Route("GET", None, docs_reply),
            "/": Route("GET", None, docs_reply),
            f"{PREDICTIONS}{{id}}": Route("GET", ("read",), self._find),
        }

    async def _with_body(self, answer: AnswerBody, call: Call) -> Reply:
        """Read a body and answer it; a large one only where there is room for it."""
        size = announced_size(call.headers, self._limits)
        with self._room.hold(size) if size > SMALL else nullcontext():
            return await answer(call, await read_body(call.headers, call.receive, self._limits))

    async def _predict(self, call: Call, body: bytes) -> Reply:
        served = self._ready()
        beside = self.beside
        if beside is not None and beside.challenger is not None:
            return await self._predict_beside(beside, served, body, call)
        asked = read_asked(call.scope["query_string"], served.passport, served.servable)
        context = Context(call.key, "champion")
        if len(body) > SMALL or asked.reasons or not is_quick(served):
            loop = asyncio.get_running_loop()
            return self._tell(await loop.run_in_executor(self._threads, self._score, served, body, asked, context))
        return self._tell(self._score(served, body, asked, context))

    def _score(self, served: Served, body: bytes, asked: Asked, context: Context) -> Said:
        begun = time.perf_counter()
        rows = served.checks.read(body)
        try:
            predictions = predict(served, rows, asked)
        except KeepfitError as error:
            raise Refusal(422, str(error)) from None
        took = time.perf_counter() - begun
        logged = self.log is not None and self.log.keep(served, rows, predictions, context, took=took)
        for prediction in predictions:
            prediction.logged = logged
        return Said(served, context.role, predictions)

    async def _predict_beside(self, beside: Neighbours, served: Served, body: bytes, call: Call) -> Reply:
        def reply(model: Served, role: Role) -> Said:
            # Nobody reads the reasons of what is found out in the shadow.
            query = b"" if role == "challenger" else call.scope["query_string"]
            asked = read_asked(query, model.passport, model.servable)
            return self._score(model, body, asked, Context(call.key, role, question.request))

        def keep(said: Said) -> None:
            loop.call_soon_threadsafe(self._tell, said)

        loop = asyncio.get_running_loop()
        question = Question(request=new_id(), key=call.key, size=len(body))
        answer = partial(beside.answer, served, reply, keep, question)
        both = (served, beside.challenger or served)
        if all(map(is_quick, both)) and len(body) <= SMALL and not call.scope["query_string"]:
            said, afterwards = answer()
        else:
            said, afterwards = await loop.run_in_executor(self._threads, answer)
        if afterwards:
            # Once this answer is sent.
            loop.call_soon(afterwards)
        return self._tell(said)

    def _tell(self, said: Said) -> Reply:
        for prediction in said.predictions:
            unknown = prediction.unknown if said.role == "champion" else msgspec.UNSET
            self.metrics.count_row(said.role, prediction.score, () if unknown is msgspec.UNSET else unknown)
        role = said.role if said.role == "canary" else msgspec.UNSET
        return Reply(200, msgspec.json.encode(Answer(said.served.passport.version, said.predictions, role)))

    async def _feedback(self, call: Call, body: bytes) -> Reply:
        served = self._ready()
        read = partial(read_outcomes, body, served.passport, most=self.options.max_outcomes)
        if len(body) > SMALL:
            outcomes = await asyncio.get_running_loop().run_in_executor(self._threads, read)
        else:
            outcomes = read()
        logged = self.log is not None and self.log.keep_outcomes(outcomes, call.key)
        return Reply(200, msgspec.json.encode({"accepted": len(outcomes), "logged": logged}))

    async def _model(self, _call: Call) -> Reply:
        return Reply(200, msgspec.json.encode(self._ready().description))

    async def _find(self, call: Call) -> Reply:
        name = call.scope["path"].removeprefix(PREDICTIONS)
        if not ID.fullmatch(name):
            raise Refusal(422, "id: allowed: 32 hexadecimal digits, as in the answer of /predict")
        if self.log is None:
            raise Refusal(404, f"{name}: no prediction is logged here")
        models = [each for each in (self.served, self.beside and self.beside.challenger) if each]
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.options.timeout):
                found = await loop.run_in_executor(self._finding, self.log.find, name, models)
        except (LogError, TimeoutError) as error:
            raise Refusal(503, str(error) or "the database of the prediction log takes too long") from None
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
            # On a full disk the others know no more for a while than they did.
            with suppress(OSError):
                self.board.leave(self.metrics.families())
            if self.log:
                self.log.tend()
            await asyncio.sleep(EVERY)

    def _report(self) -> list[Any]:
        challenger = self.beside.challenger if self.beside else None
        served = [("champion", self.served), ("challenger", challenger)]
        return [
            *report_model([(role, each) for role, each in served if each]),
            *report_access(self.access.refused),
            *report_log(self.log),
            *process_families(self._started),
        ]

    def _ready(self) -> Served:
        if self.served is None:
            raise Refusal(503, "no champion is loaded yet")
        return self.served
