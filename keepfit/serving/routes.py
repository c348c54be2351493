"""Routes: what may be asked, by which method, with a key of which scope."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from keepfit.serving.http import Message, Receive, Reply
from keepfit.serving.keys import Scope


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
