"""The champion over HTTP: BentoML serves what keepfit/serving answers."""

import asyncio
import gc
import logging
import os
from pathlib import Path
from typing import Any

import keepfit.arithmetic  # noqa: F401 - before NumPy loads

# isort: split
import bentoml

from keepfit.serving.app import App
from keepfit.serving.changes import follow_changes, load_warm
from keepfit.serving.frozen import freeze_code
from keepfit.serving.keep import Log
from keepfit.serving.options import read_options
from keepfit.serving.rollover import find_bundle

ROOT = Path(__file__).resolve().parent.parent
# Another Bento may take the place of this one's folder.
freeze_code(ROOT, ("keepfit", "features"))
CHAMPION = ROOT / "champion"
PROBES = ("/livez", "/readyz", "/healthz")
options = read_options(os.environ)
app = App(options)
logger = logging.getLogger("bentoml.keepfit")


class Front:
    """Hands each request but the probes' to the application, before BentoML routes it.

    BentoML takes it for one of its middlewares. It puts itself before all of them when the worker starts, since they
    cost more than the answer: they trace, which is switched off, and set a timer that keeps each request for
    `timeout` seconds, which the application has by itself. Where that cannot be done it still answers, only slower.
    """

    def __init__(self, bento: Any) -> None:
        self._bento = bento

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, or let BentoML."""
        if scope["type"] == "http" and scope["path"] not in PROBES:
            await app(scope, receive, send)
            return
        if scope["type"] == "lifespan" and (first := getattr(scope.get("app"), "middleware_stack", None)):
            scope["app"].middleware_stack = Front(first)
        await self._bento(scope, receive, send)


@bentoml.service(
    name="keepfit",
    workers=options.workers,
    # BentoML keeps what a request needs until this time has passed.
    traffic={"timeout": options.timeout},
    # The application counts and tells what it does by itself, at a twentieth of the cost.
    metrics={"enabled": False, "namespace": "keepfit"},
    logging={"access": {"enabled": False}},
    tracing={"excluded_urls": [".*"]},
)
class Keepfit:
    """Scores raw rows in time order; rows that are only history get no answer."""

    def __init__(self) -> None:
        if options.insecure:
            logger.warning("INSECURE: every request is let in, without a key")
        champion = options.champion or CHAMPION
        app.served = load_warm(find_bundle(champion), options)
        self.standby = follow_changes(app, champion)
        if options.log_folder:
            app.log = Log(options.log_folder, limit_bytes=options.log_limit, pii_key=options.pii_key)
            app.log.prepare(app.served)
        # uvicorn formats a line for each request where a handler is there to take it, whatever its level.
        logging.getLogger("uvicorn.access").propagate = False
        # A full collection over everything that was loaded is the longest pause that a request can meet.
        gc.collect()
        gc.freeze()

    def __is_ready__(self) -> bool:
        """Tell BentoML's /readyz."""
        return app.served is not None

    @bentoml.on_startup
    async def begin(self) -> None:
        """Start what runs beside the requests."""
        self.beside = asyncio.ensure_future(app.keep_board())
        if options.watch:
            self.standby.start(options.watch)

    @bentoml.on_shutdown
    async def end(self) -> None:
        """Leave the last counts, and move what was logged to the database."""
        self.beside.cancel()
        self.standby.stop()
        if app.log:
            await asyncio.to_thread(app.log.close)
        app.board.leave(app.metrics.families())


Keepfit.add_asgi_middleware(Front)
