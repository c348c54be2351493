"""Problems: what is wrong with a request, in the one shape that every refusal has."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

SHOWN = 100
LONGEST = 200


class Problem(msgspec.Struct, omit_defaults=True, frozen=True):
    """What is wrong with one value, and what is allowed; `row` and `column` where it has them."""

    problem: str
    allowed: str | msgspec.UnsetType = msgspec.UNSET
    row: int | msgspec.UnsetType = msgspec.UNSET
    column: str | msgspec.UnsetType = msgspec.UNSET
    value: Any = msgspec.UNSET


@dataclass
class Problems:
    """The problems of a request: the first hundred, and how many there are."""

    found: list[Problem] = field(default_factory=list)
    total: int = 0

    def add(self, problem: str, *, row: int, column: str, allowed: str, value: Any = msgspec.UNSET) -> None:
        """Note one; a long value is cut."""
        if len(self.found) >= SHOWN:
            # A body can hold a million of them.
            self.total += 1
            return
        shown = value if value is msgspec.UNSET else shorten(value)
        self.add_whole(Problem(problem, allowed=shorten(allowed), row=row, column=shorten(column), value=shown))

    def add_whole(self, problem: Problem) -> None:
        """Note one that is not of one value."""
        self.total += 1
        if len(self.found) < SHOWN:
            self.found.append(problem)


class Refusal(Exception):
    """A request that is answered with a 4xx: its status, one line, and each problem."""

    def __init__(
        self,
        status: int,
        error: str,
        problems: Problems | None = None,
        *,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(error)
        self.status, self.error, self.headers = status, error, headers
        self.problems = problems or Problems()

    def encode(self) -> bytes:
        """Return the body of the answer."""
        body: dict[str, Any] = {"error": self.error, "problems": self.problems.found}
        if self.problems.total > len(self.problems.found):
            body["total"] = self.problems.total
        return msgspec.json.encode(body)


def shorten(value: Any) -> Any:
    """Return a value of a request as it can be shown in the answer."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        # JSON has no number for these, and no reader has to read more digits than a float holds.
        return value if value == value and abs(value) < 2**53 else str(value)[:LONGEST]
    text = value if isinstance(value, str) else type(value).__name__
    return text.encode("utf-8", "replace").decode() if len(text) <= LONGEST else text[:LONGEST] + "…"
