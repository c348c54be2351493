"""Checks: what a request to /predict may hold, compiled from the dataset's own schema.

Two readers take the same bodies. The quick one is msgspec's, into a struct that is made from the columns; whatever
it does not take, the thorough one reads again, and finds every problem there is.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from keepfit.passport import Request
from keepfit.serving.problems import Problem, Problems, Refusal
from keepfit.serving.quick import QuickReader
from keepfit.serving.values import Typed, WrongValue, make_reader


@dataclass(slots=True)
class Rows:
    """The rows of a request: typed values in the order of the columns, which are scored, and which could be."""

    values: list[list[Typed]]
    scored: Sequence[int]
    # Those that have their look-back.
    reaching: Sequence[int]


class Checks:
    """The checks of one champion; `known` are the categories that each column had in training."""

    def __init__(self, request: Request, known: dict[str, frozenset[str]], *, max_rows: int) -> None:
        self.names = tuple(request.columns)
        self.look_back = request.look_back
        self.max_rows = max_rows
        self._readers = {name: make_reader(column) for name, column in request.columns.items()}
        self._quick = QuickReader(request)
        self._ordered_by = self.names.index(request.time) if request.look_back and request.time else None
        self._entity = request.entity
        self._grouped_by = None if request.entity is None else self.names.index(request.entity)
        self._known = [(number, known[name]) for number, name in enumerate(self.names) if name in known]

    def read(self, body: bytes) -> Rows:
        """Return the rows of a body; raise Refusal with every problem in it."""
        found = self._quick.read(body)
        if found is not None and self._fits(found[0]):
            values, score = found
            reaching = self._reach_back(values)
            if reaching and (score is None or _are_among(score, reaching)):
                return Rows(values, reaching if score is None else score, reaching)
        return self._choose(*self._unwrap(load_json(body)))

    def unknown(self, values: list[Typed]) -> list[str]:
        """Return the columns of a row whose category the champion never saw."""
        return [
            self.names[number]
            for number, known in self._known
            if (value := values[number]) is not None and value not in known
        ]

    def _fits(self, values: list[list[Typed]]) -> bool:
        """Tell whether the rows are as many and in such an order as they may be: all else is known to be right."""
        if not self.look_back < len(values) <= self.max_rows:
            return False
        place: Any = self._ordered_by
        return place is None or all(row[place] <= later[place] for row, later in pairwise(values))

    def _reach_back(self, values: list[list[Typed]]) -> Sequence[int]:
        """Return the numbers of the rows that have as many before them, of their own entity, as features look back."""
        if self._grouped_by is None:
            return range(self.look_back, len(values))
        before: Counter[Any] = Counter()
        found = []
        for number, row in enumerate(values):
            entity = row[self._grouped_by] if row else None
            if before[entity] >= self.look_back:
                found.append(number)
            before[entity] += 1
        return found

    def _unwrap(self, payload: Any) -> tuple[list[Any], list[Any] | None]:
        if isinstance(payload, list):
            return payload, None
        if not isinstance(payload, dict):
            raise Refusal(422, 'a row, a list of rows, or {"rows": [...]} is expected')
        if not isinstance(payload.get("rows"), list):
            return [payload], None
        if other := sorted(set(payload) - {"rows", "score"}):
            raise Refusal(422, f"unknown beside rows: {', '.join(other)[:200]}; allowed: score")
        return payload["rows"], payload.get("score")

    def _choose(self, rows: list[Any], score: list[Any] | None) -> Rows:
        needed = self.look_back + 1
        if len(rows) > self.max_rows:
            raise Refusal(413, f"{len(rows)} rows; allowed: {self.max_rows}")
        if len(rows) < needed:
            own = "" if self._entity is None else f", of one {self._entity}"
            history = f": {self.look_back} of history and one to score{own}" if self.look_back else ""
            raise Refusal(422, f"{len(rows)} rows; at least {needed} needed{history}")
        problems = Problems()
        values = [self._read_row(number, row, problems) for number, row in enumerate(rows)]
        if self._ordered_by is not None:
            self._check_order(self._ordered_by, values, problems)
        reaching = self._reach_back(values)
        scored = reaching if score is None else self._check_score(score, len(rows))
        if self._entity is not None and not problems.total:
            self._check_histories(self._entity, scored or [len(rows) - 1], rows, reaching, problems)
        if problems.total:
            several = f"{problems.total} problems" if problems.total > 1 else "one problem"
            raise Refusal(422, f"{several} in {len(rows)} row{'s' if len(rows) > 1 else ''}", problems)
        return Rows(values, scored, reaching)

    def _read_row(self, number: int, row: Any, problems: Problems) -> list[Typed]:
        if not isinstance(row, dict):
            problems.add_whole(Problem("wrong type", allowed="an object with the columns", row=number))
            return []
        values: list[Typed] = []
        for name, read in self._readers.items():
            if name not in row:
                problems.add("missing column", row=number, column=name, allowed=", ".join(self.names))
                values.append(None)
                continue
            try:
                values.append(read(row[name]))
            except WrongValue as wrong:
                problems.add(wrong.problem, row=number, column=name, allowed=wrong.allowed, value=row[name])
                values.append(None)
        for name in row:
            if name not in self._readers:
                problems.add("unknown column", row=number, column=name, allowed=", ".join(self.names))
        return values

    def _check_order(self, place: int, values: list[list[Typed]], problems: Problems) -> None:
        before: Any = None
        for number, row in enumerate(values):
            moment: Any = row[place] if row else None
            if moment is None:
                continue
            if before is not None and moment < before:
                allowed = "rows that look back on each other in time order"
                problems.add("earlier than the row before", row=number, column=self.names[place], allowed=allowed)
            before = moment

    def _check_histories(
        self, entity: str, scored: Sequence[int], rows: list[Any], reaching: Sequence[int], problems: Problems
    ) -> None:
        """Note the rows that are to be scored, or else would be, and lack rows of their own entity."""
        allowed = f"{self.look_back} row{'s' if self.look_back > 1 else ''} of the same {entity} before it"
        for number in sorted(set(scored).difference(reaching)):
            value = rows[number][entity]
            problems.add("too little history of its own", row=number, column=entity, allowed=allowed, value=value)

    def _check_score(self, score: list[Any], count: int) -> Sequence[int]:
        possible = range(self.look_back if self._entity is None else 0, count)
        if not isinstance(score, list) or not score or len(set(map(repr, score))) != len(score):
            raise Refusal(422, "score: allowed: numbers of rows, each once")
        for number in score:
            if type(number) is not int or number not in possible:
                raise Refusal(422, f"score: {str(number)[:50]}; allowed: {possible.start} to {possible.stop - 1}")
        return score


def _are_among(score: list[int], reaching: Sequence[int]) -> bool:
    """Tell whether numbers of rows are there, each once, and all of rows that have their look-back."""
    if not score or len(set(score)) < len(score):
        return False
    if isinstance(reaching, range):
        return min(score) >= reaching.start and max(score) < reaching.stop
    return set(reaching).issuperset(score)


def load_json(body: bytes) -> Any:
    """Return the JSON of a body, NaN and infinity included, which are then named by row and column."""
    try:
        return json.loads(body.decode(), object_pairs_hook=_refuse_twice)
    except RecursionError:
        raise Refusal(400, "bad JSON: nested too deeply") from None
    except UnicodeDecodeError:
        raise Refusal(400, "bad JSON: not UTF-8") from None
    except ValueError as error:
        raise Refusal(400, f"bad JSON: {error}") from None


def _refuse_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise Refusal(400, f"bad JSON: {twice[:100]!r} twice in one object")
    return found
