"""Forge: the few requests to GitHub's API that the loop makes, for one issue and one pull request a dataset."""

import json
import os
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from keepfit.errors import ForgeError

LABEL = "keepfit"
SECONDS = 20


@dataclass(frozen=True)
class Post:
    """An issue or a pull request."""

    number: int
    title: str
    body: str


@dataclass(frozen=True)
class Forge:
    """One repository on GitHub, or on a server that speaks as it does."""

    address: str
    repository: str
    token: str

    @classmethod
    def here(cls) -> "Forge | None":
        """Return the one that a workflow's environment names, or None outside a workflow."""
        names = ("GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN")
        address, repository, token = (os.environ.get(name, "") for name in names)
        if not (repository and token):
            return None
        return cls(address or "https://api.github.com", repository, token)

    def find_issue(self, mark: str) -> Post | None:
        """Return the open issue that bears the mark, or None."""
        query = urlencode({"state": "open", "labels": LABEL, "per_page": 100})
        return next((each for each in self._list(f"issues?{query}") if mark in each.body), None)

    def open_issue(self, title: str, body: str) -> int:
        """Open an issue and return its number."""
        return int(self._ask("POST", "issues", {"title": title, "body": body, "labels": [LABEL]})["number"])

    def edit_issue(self, number: int, **changes: str) -> None:
        """Change an issue's title, body or state."""
        self._ask("PATCH", f"issues/{number}", changes)

    def comment(self, number: int, text: str) -> None:
        """Add a comment to an issue or a pull request."""
        self._ask("POST", f"issues/{number}/comments", {"body": text})

    def find_pull(self, branch: str) -> Post | None:
        """Return the open pull request from a branch of this repository, or None."""
        owner = self.repository.partition("/")[0]
        found = self._list(f"pulls?{urlencode({'state': 'open', 'head': f'{owner}:{branch}'})}")
        return found[0] if found else None

    def open_pull(self, title: str, body: str, *, branch: str, base: str) -> int:
        """Open a pull request and return its number."""
        return int(self._ask("POST", "pulls", {"title": title, "body": body, "head": branch, "base": base})["number"])

    def edit_pull(self, number: int, title: str, body: str) -> None:
        """Change a pull request's title and body."""
        self._ask("PATCH", f"pulls/{number}", {"title": title, "body": body})

    def _list(self, path: str) -> list[Post]:
        found = self._ask("GET", path)
        return [Post(each["number"], each["title"], each.get("body") or "") for each in found]

    def _ask(self, method: str, path: str, payload: dict[str, Any] | None = None) -> Any:
        address = f"{self.address}/repos/{self.repository}/{path}"
        if urlsplit(address).scheme not in ("https", "http"):
            raise ForgeError(f"GITHUB_API_URL: {self.address!r}: allowed: an address that begins with https://")
        request = Request(  # noqa: S310 - the scheme was looked at
            address,
            method=method,
            data=None if payload is None else json.dumps(payload).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/vnd.github+json",
                "Content-Type": "application/json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        where = f"{method} {path.partition('?')[0]} of {self.repository}"
        try:
            with urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except HTTPError as error:
            said = error.read(200).decode(errors="replace")
            raise ForgeError(f"{where}: status {error.code}: {' '.join(said.split())}") from None
        except (OSError, HTTPException, ValueError) as error:
            raise ForgeError(f"{where}: {error}") from None
