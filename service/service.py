"""The champion over HTTP: BentoML serves what keepfit/serving answers."""

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keepfit.arithmetic  # noqa: F401 - before NumPy loads

# isort: split
import bentoml

from keepfit.serving.frozen import freeze_code
from keepfit.serving.options import read_options

if TYPE_CHECKING:
    from keepfit.serving.worker import Worker

ROOT = Path(__file__).resolve().parent.parent
PROBES = ("/livez", "/readyz", "/healthz")
options = read_options(os.environ)


@cache
def make_worker() -> "Worker":
    """Return what answers in this process.

    BentoML imports this file in the process that watches the workers too, which answers nothing and starts sooner
    without it.
    """
    from keepfit.serving.worker import Worker

    # Another Bento may take the place of this one's folder.
    frozen = freeze_code(ROOT, ("keepfit", "features"))
    worker = Worker(options.champion or ROOT / "champion", options)
    # Else the champion could be the new one's, and the code the old one's.
    frozen.require_unchanged()
    return worker


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
            await make_worker().app(scope, receive, send)
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
        self.worker = make_worker()

    def __is_ready__(self) -> bool:
        """Tell BentoML's /readyz."""
        return self.worker.app.served is not None

    @bentoml.on_startup
    async def begin(self) -> None:
        """Start what runs beside the requests."""
        self.worker.begin()

    @bentoml.on_shutdown
    async def end(self) -> None:
        """Leave the last counts, and move what was logged to the database."""
        await self.worker.end()


Keepfit.add_asgi_middleware(Front)
