"""A browser, by the protocol of WebDriver."""

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keepfit.environment import free_port

BROWSER = ("chromium", "chromedriver")
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


@dataclass(frozen=True)
class Page:
    """An open page."""

    session: str

    def read(self, selector: str, *, having: str = "") -> str:
        """Return the text of the first element, once there is some, and this in it."""
        text = ""
        for _ in range(300):
            text = self._ask(f"element/{self._find(selector)}/text")
            if text and having in text:
                return text
            time.sleep(0.1)
        raise AssertionError(f"{selector}: {text!r}, without {having!r}")

    def click(self, selector: str) -> None:
        """Click on the first element."""
        self._ask(f"element/{self._find(selector)}/click", {})

    def type(self, selector: str, text: str) -> None:
        """Type into the first element."""
        self._ask(f"element/{self._find(selector)}/value", {"text": text})

    def _find(self, selector: str) -> str:
        for _ in range(300):
            try:
                return self._ask("element", {"using": "css selector", "value": selector})[ELEMENT]
            except urllib.error.HTTPError:
                time.sleep(0.1)
        raise AssertionError(f"{selector}: not on the page")

    def _ask(self, path: str, body: Any = None) -> Any:
        return ask(f"{self.session}/{path}", body)


def ask(url: str, body: Any = None) -> Any:
    content = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, content), timeout=60) as answer:
        return json.loads(answer.read())["value"]


@contextmanager
def browse(url: str, folder: Path) -> Iterator[Page]:
    """Open a page in a browser that finds nothing but loopback."""
    port = free_port()
    driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    arguments = [
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
        *("--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
        f"--user-data-dir={folder / 'profile'}",
    ]
    wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": arguments}}}}
    try:
        session = f"http://127.0.0.1:{port}/session/{_begin(port, wanted)}"
        ask(f"{session}/url", {"url": url})
        yield Page(session)
        urllib.request.urlopen(urllib.request.Request(session, method="DELETE"), timeout=30).close()
    finally:
        driver.terminate()
        driver.wait(timeout=30)


def _begin(port: int, wanted: dict[str, Any]) -> str:
    for _ in range(100):
        try:
            return ask(f"http://127.0.0.1:{port}/session", wanted)["sessionId"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from None
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the browser does not start")
