"""Records of a prediction log, for tests."""

from typing import Any

import msgspec

from keepfit.serving.records import Earlier, Outcome, Predicted, Record, encode_lines

SECOND = 1_000_000_000


def predicted(name: str, *, at: int = 1, **changes: Any) -> Predicted:
    row = changes.pop("row", {"x": 1.5, "c": "a"})
    values: dict[str, Any] = {
        "id": name,
        "time_ns": at * SECOND,
        "request": f"request of {name}",
        "number": 0,
        "key": "key",
        "row": msgspec.Raw(msgspec.json.encode(row)),
        "score": 0.25,
        "version": "v1",
        "digest": "d1",
        "latency_us": 150,
        "label": False,
    }
    return Predicted(**values | changes)


def earlier(request: str, number: int, *, at: int = 1, row: dict[str, Any] | None = None) -> Earlier:
    return Earlier(request, number, at * SECOND, msgspec.Raw(msgspec.json.encode(row or {"x": 0.5, "c": "b"})))


def outcome(name: str, value: bool | str | float, *, at: int = 2) -> Outcome:
    return Outcome(name, value, at * SECOND, "key")


def lines(*records: Record) -> bytes:
    return encode_lines(records)
