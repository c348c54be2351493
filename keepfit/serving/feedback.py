"""Feedback: the outcomes of predictions, which may come late, in any order, and again."""

import json
import math
from typing import Any, NamedTuple

from keepfit.passport import Passport
from keepfit.serving.answers import ID
from keepfit.serving.checks import load_json
from keepfit.serving.problems import Problem, Problems, Refusal

Value = float | str | bool


class Outcome(NamedTuple):
    """What came of a prediction."""

    id: str
    value: Value


def read_outcomes(body: bytes, passport: Passport, *, most: int) -> list[Outcome]:
    """Return the outcomes of a body, one object or a list of them; raise Refusal with every problem."""
    payload = load_json(body)
    given = payload if isinstance(payload, list) else [payload]
    if len(given) > most:
        raise Refusal(413, f"{len(given)} outcomes; allowed: {most}")
    if not given:
        raise Refusal(422, "no outcomes; at least one is needed")
    problems = Problems()
    outcomes = [_read(number, each, passport, problems) for number, each in enumerate(given)]
    if problems.total:
        raise Refusal(422, f"{problems.total} problems in {len(given)} outcomes", problems)
    return outcomes


def describe_outcome(passport: Passport) -> str:
    """Return what an outcome may be, in words."""
    if passport.task == "regression":
        return "a number"
    return ", ".join(json.dumps(name) for name in passport.classes) or "true or false"


def _read(row: int, given: Any, passport: Passport, problems: Problems) -> Outcome:
    if not isinstance(given, dict):
        problems.add_whole(Problem("wrong type", allowed='{"id": ..., "outcome": ...}', row=row))
        return Outcome("", 0.0)
    for name in ("id", "outcome"):
        if name not in given:
            problems.add("missing", row=row, column=name, allowed="id and outcome")
    for name in given:
        if name not in ("id", "outcome"):
            problems.add("unknown", row=row, column=name, allowed="id and outcome")
    name, value = given.get("id", "0" * 32), given.get("outcome")
    if not isinstance(name, str) or not ID.fullmatch(name):
        problems.add("not an id", row=row, column="id", allowed="32 hexadecimal digits, as in the answer", value=name)
    found = _read_value(value, passport)
    if found is None and "outcome" in given:
        problems.add("wrong outcome", row=row, column="outcome", allowed=describe_outcome(passport), value=value)
    return Outcome(name, 0.0 if found is None else found)


def _read_value(value: Any, passport: Passport) -> Value | None:
    if passport.task == "regression":
        return _read_number(value)
    if passport.classes:
        return value if isinstance(value, str) and value in passport.classes else None
    return bool(value) if isinstance(value, bool | int | float) and value in (0, 1) else None


def _read_number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
