"""The service without a server: its ASGI application, asked in the process of the test."""

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from keepfit.bundle import Bundle
from keepfit.compiled.packing import pack_scorer
from keepfit.files import write_json
from keepfit.servable import SERVING, describe
from keepfit.serving.app import App
from keepfit.serving.options import ServiceOptions
from keepfit.serving.served import load_served

JSON = "application/json"


@dataclass(frozen=True)
class Told:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problems(self) -> list[tuple[Any, ...]]:
        """Row, column and what is wrong, of each problem."""
        return [(each.get("row"), each.get("column"), each["problem"]) for each in self.json["problems"]]


def as_records(rows: pd.DataFrame, time: str = "time") -> list[dict[str, Any]]:
    """The rows as a caller writes them in JSON."""
    texts = rows.assign(**{time: rows[time].astype(str)})
    return json.loads(texts.to_json(orient="records", double_precision=15))


def open_app(bundle: Bundle, **options: Any) -> App:
    """The service of a bundle: without keys, where no file of them is named."""
    chosen = ServiceOptions(**{"insecure": "keys" not in options, **options})
    app = App(chosen)
    app.served = load_served(bundle.folder, chosen)
    app.metrics.expect(bundle.passport.task)
    return app


def ask(app: App, path: str, body: Any = None, *, key: str | None = None, **more: Any) -> Told:
    """Ask by POST where there is a body, which is sent as JSON unless it is bytes."""
    return asyncio.run(asking(app, path, body, key=key, **more))


def asking(app: App, path: str, body: Any = None, *, key: str | None = None, **more: Any) -> Coroutine[Any, Any, Told]:
    """Ask as `ask` does, once it is awaited."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    method = more.pop("method", "GET" if body is None else "POST")
    path, _, query = path.partition("?")
    headers = {"content-type": more.pop("kind", JSON), "content-length": str(len(content))}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": more.pop("client", ("127.0.0.1", 1)),
    }
    return _call(app, scope, more.pop("parts", [content]))


async def _call(app: App, scope: dict[str, Any], parts: list[bytes | None]) -> Told:
    """Send the parts of a body; None is one that does not come."""
    waiting = [
        {"type": "http.request", "body": part, "more_body": number < len(parts)}
        for number, part in enumerate(parts, 1)
        if part is not None
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.sleep(3600)
        return waiting.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, body = sent
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return Told(start["status"], headers, body["body"])


def make_champion(folder: Path, task: str) -> Bundle:
    """A toy champion as `package` leaves it."""
    from tests.bundles import Case, train_bundle
    from tests.toys import BOOSTED, TOYS

    case = Case(task)
    # Trees, whose compiled scores are equal to the last bit; linear models', which are so to the twelfth digit.
    settings = case.settings(**({"model": BOOSTED} if task == "binary" else {}))
    bundle = train_bundle(folder / task, case.table(settings), settings)
    prepare_quickly(bundle, TOYS[task](600))
    return bundle


def prepare_quickly(bundle: Bundle, valid: pd.DataFrame) -> None:
    """Do what `package` does, with fewer rows to compare the scorers on."""
    parity, files = pack_scorer(bundle, valid, bundle.folder, drawn=300)
    servable = describe(bundle, valid, parity).model_copy(update={"files": files})
    write_json(bundle.folder / SERVING, servable.model_dump(mode="json"))
