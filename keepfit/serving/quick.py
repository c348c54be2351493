"""Quick: what nearly every request holds, read and checked by msgspec in one go; None for whatever else."""

from typing import Annotated, Any

import msgspec

from keepfit.cells import as_category
from keepfit.dataset import Column
from keepfit.passport import Request
from keepfit.serving.values import NAN, Typed, limits, read_plain_time

KINDS: dict[str, Any] = {"bool": bool, "category": str, "datetime": str}


class QuickReader:
    """Reads rows into a struct with a field a column, and what it cannot read it leaves to others."""

    def __init__(self, request: Request) -> None:
        columns = list(request.columns.values())
        names = [f"c{number}" for number in range(len(columns))]
        row = msgspec.defstruct(
            "Row",
            [(name, _kind(column)) for name, column in zip(names, columns, strict=True)],
            rename=dict(zip(names, request.columns, strict=True)),
            forbid_unknown_fields=True,
            gc=False,
        )
        rows = msgspec.defstruct(
            "RowsOf",
            [("rows", list[row]), ("score", list[int] | None, None)],  # type: ignore[valid-type]
            forbid_unknown_fields=True,
        )
        read: Any = msgspec.json.Decoder
        self._row, self._list, self._rows = read(row), read(list[row]), read(rows)  # type: ignore[valid-type]
        self._width = len(columns)
        self._texts = [number for number, column in enumerate(columns) if column.type in ("category", "datetime")]
        self._times = [number for number, column in enumerate(columns) if column.type == "datetime"]
        self._names = [number for number in self._texts if number not in self._times]
        numbers = [number for number in range(len(columns)) if number not in self._texts]
        self._truths = [number for number in numbers if columns[number].type == "bool"]
        self._nullable = [number for number in numbers if columns[number].nullable]
        # A time in numbers, or in another form than ISO's, is left to pandas.
        self._able = all(columns[number].format is None for number in self._times)

    def read(self, body: bytes) -> tuple[list[list[Typed]], list[int] | None] | None:
        """Return typed rows and the numbers of those to score, or None."""
        if not self._able:
            return None
        score, keys = None, 0
        try:
            if body[:1] == b"[":
                rows = self._list.decode(body)
            elif body[:7] == b'{"rows"':
                found = self._rows.decode(body)
                rows, score = found.rows, found.score
                keys = 1 if score is None else 2
            else:
                rows = [self._row.decode(body)]
            values = [self._take(row) for row in rows]
        except (msgspec.DecodeError, ValueError, RecursionError):
            return None
        # A name that is there twice, or a quote within a text: these rows need so many quotes, and no other.
        texts = sum(row[number] is not None for row in values for number in self._texts)
        return (values, score) if body.count(b'"') == 2 * (keys + len(rows) * self._width + texts) else None

    def _take(self, row: msgspec.Struct) -> list[Typed]:
        values: list[Any] = list(msgspec.structs.astuple(row))
        for number in self._times:
            if values[number] is not None:
                values[number] = read_plain_time(values[number])
        for number in self._names:
            if (text := values[number]) is not None:
                if not text:
                    raise ValueError("an empty text")
                values[number] = as_category(text)
        for number in self._nullable:
            if values[number] is None:
                values[number] = NAN
        for number in self._truths:
            values[number] = float(values[number])
        return values


def _kind(column: Column) -> Any:
    kind = KINDS.get(column.type)
    if kind is None:
        low, high = limits(column)
        step = 1 if column.type == "int" else None
        kind = Annotated[float, msgspec.Meta(ge=low, le=high, multiple_of=step)]
    return kind | None if column.nullable else kind
