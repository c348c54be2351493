"""Checks: what is accepted parses to the same value as in the pipeline; all else is named, by row and column."""

import json
import math
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import UNSET

from keepfit.columns import parse
from keepfit.dataset import Column
from keepfit.passport import Request
from keepfit.serving.checks import Checks, Rows, load_json
from keepfit.serving.frames import make_frame
from keepfit.serving.problems import Refusal
from keepfit.serving.values import WrongValue, make_reader
from tests.service.asking import ask, open_app

COLUMNS = {
    "when": Column(type="datetime"),
    "Adj Close": Column(type="float", min=0.5, max=100),
    "size": Column(type="int", nullable=True, min=-3),
    "open": Column(type="bool"),
    "kind": Column(type="category", nullable=True, allowed=("a", "b")),
}
ROW = {"when": "2020-01-01T10:00:00Z", "Adj Close": 1.5, "size": 3, "open": True, "kind": "a"}
KNOWN = {"kind": frozenset({"a", "b"})}
TIMES = (
    "2020-01-01",
    "2020-01-01 10:00:00",
    "2020-02-30",
    "2020-01-01T10:00:00.123456+02:00",
    "2020-01-01T10:00Z",
    "2020",
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "a", "zz", "1", '"', "é", *TIMES]),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.just([]),
)


def checks(look_back: int = 0, *, max_rows: int = 50, columns: dict[str, Column] = COLUMNS) -> Checks:
    return Checks(request_of(look_back, columns), KNOWN, max_rows=max_rows)


def request_of(look_back: int, columns: dict[str, Column]) -> Request:
    time = "when" if "when" in columns else None
    return Request(time=time, columns=columns, module="as_is", used_as_they_are=(), look_back=look_back)


def read(body: Any, found: Checks | None = None) -> Rows:
    return (found or checks()).read(json.dumps(body).encode())


def refused(body: Any, found: Checks | None = None) -> Refusal:
    with pytest.raises(Refusal) as told:
        (found or checks()).read(body if isinstance(body, bytes) else json.dumps(body).encode())
    return told.value


def listed(refusal: Refusal) -> list[tuple[Any, ...]]:
    return [(each.row, each.column, each.problem) for each in refusal.problems.found]


def thoroughly(found: Checks, body: bytes) -> Rows:
    """What the reader makes of a body that takes its time."""
    return found._choose(*found._unwrap(load_json(body)))


def same(one: Rows, other: Rows) -> bool:
    # NaN is NaN here.
    return repr(one.values) == repr(other.values) and list(one.scored) == list(other.scored)


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, VALUES)), min_size=1, max_size=3), st.booleans())
def test_the_quick_reader_takes_nothing_that_the_thorough_one_does_not_and_reads_it_alike(rows, wrapped):
    found = checks()
    body = json.dumps({"rows": rows} if wrapped else rows if len(rows) > 1 else rows[0]).encode()
    quick = found._quick.read(body)
    try:
        slow = thoroughly(found, body)
    except Refusal:
        assert quick is None
    else:
        assert quick is None or repr(quick[0]) == repr(slow.values)


def test_the_quick_reader_takes_what_is_usual():
    for body in (ROW, [ROW, ROW], {"rows": [ROW]}, {"rows": [ROW, ROW], "score": [1]}):
        assert checks()._quick.read(json.dumps(body).encode()) is not None
        assert same(read(body), thoroughly(checks(), json.dumps(body).encode()))


@given(VALUES, st.sampled_from(list(COLUMNS)))
@example("2020-01-01T24:00:00", "when")
@example("2262-04-12", "when")
@example("1677-09-21T00:12:43", "when")
@example(9007199254740993, "Adj Close")
@example(0.0, "open")
@example(-0.0, "open")
def test_what_is_accepted_is_the_value_that_the_pipeline_parses(value, name):
    column = COLUMNS[name].model_copy(update={"min": None, "max": None})
    try:
        typed = make_reader(column)(value)
    except WrongValue:
        return
    ours = make_frame([[typed]], {name: column})
    theirs = parse(pd.DataFrame({name: pd.Series([value], dtype="object" if value is None else None)}), {name: column})
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("s", 1577872800),
        ("ms", 1577872800123),
        ("D", 18262),
        ("%Y%m%d", 20200101),
        ("%d.%m.%Y", "01.02.2020"),
        ("mixed", "Feb 1 2020"),
    ],
)
def test_times_in_the_columns_own_form_are_read_as_the_pipeline_does(form: str, value: Any):
    columns = {"when": Column(type="datetime", format=form)}
    rows = read([{"when": value}] * 2, checks(columns=columns))
    expected = parse(pd.DataFrame({"when": [value] * 2}), columns)
    pd.testing.assert_frame_equal(make_frame(rows.values, columns), expected)
    assert listed(refused({"when": "yesterday"}, checks(columns=columns)))[0][:2] == (0, "when")


def test_every_problem_is_named_by_row_and_column_at_once():
    bad = {"when": "soon", "Adj Close": 100.5, "size": 2.5, "open": "yes", "kind": [1], "more": 1}
    nulls = dict.fromkeys(COLUMNS)
    assert listed(refused([bad, ROW, nulls, 5, {}])) == [
        (0, "when", "not a time"),
        (0, "Adj Close", "above 100"),
        (0, "size", "not a whole number"),
        (0, "open", "wrong type"),
        (0, "kind", "wrong type"),
        (0, "more", "unknown column"),
        (2, "when", "null"),
        (2, "Adj Close", "null"),
        (2, "open", "null"),
        (3, UNSET, "wrong type"),
        *[(4, name, "missing column") for name in COLUMNS],
    ]


def test_a_problem_says_what_came_and_what_is_allowed():
    (problem,) = refused({**ROW, "Adj Close": 0.25}).problems.found
    assert (problem.value, problem.allowed) == (0.25, "a number from 0.5 to 100")
    (problem,) = refused({**ROW, "size": -4}).problems.found
    assert (problem.problem, problem.allowed) == ("below -3", "a whole number of -3 or more or null")


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_named(literal: str):
    body = json.dumps({**ROW, "Adj Close": 77}).replace("77", literal).encode()
    assert listed(refused(body)) == [(0, "Adj Close", "not finite")]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "bad JSON"),
        (b"{", "bad JSON"),
        (b'{"when": \xff}', "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (json.dumps(ROW).replace('"size"', '"open"').encode(), "'open' twice"),
        (json.dumps(ROW).replace('"a"', '"\\ud800"').encode(), "one problem"),
        (b'"text"', "a row, a list of rows"),
    ],
)
def test_what_is_no_row_is_refused(body: bytes, named: str):
    assert named in str(refused(body))


def test_a_name_that_is_twice_among_many_is_found_in_one_pass():
    # Looked for once for each name this would take an hour.
    names = ",".join(f'"a{number}":1' for number in range(200_000))
    with pytest.raises(Refusal, match="'a7' twice in one object"):
        load_json(f'{{{names},"a7":2}}'.encode())


def test_a_hundred_problems_are_shown_and_all_are_counted():
    told = refused([{}] * 50)
    assert len(told.problems.found) == 100
    assert told.problems.total == 250
    assert json.loads(told.encode())["total"] == 250


def test_long_values_are_cut():
    told = json.loads(refused({**ROW, "when": "x" * 10_000, "y" * 10_000: 1}).encode())
    assert len(json.dumps(told)) < 3000


def test_too_many_and_too_few_rows_are_refused():
    assert refused([ROW] * 51).status == 413
    assert refused([]).status == 422
    assert "64" in str(refused([ROW] * 63, checks(63, max_rows=100)))


def later(hours: int) -> dict[str, Any]:
    return {**ROW, "when": f"2020-01-01T{hours:02}:00:00Z"}


def test_rows_that_look_back_on_each_other_are_in_time_order():
    rows = [later(1), later(3), later(2), later(2)]
    assert listed(refused(rows, checks(1))) == [(2, "when", "earlier than the row before")]
    assert list(read(rows).scored) == [0, 1, 2, 3]


def test_history_is_not_scored_and_some_rows_may_be_chosen():
    rows = [later(hours) for hours in range(5)]
    found = checks(2)
    assert list(read(rows, found).scored) == [2, 3, 4]
    assert list(read({"rows": rows, "score": [4, 2]}, found).scored) == [4, 2]


@pytest.mark.parametrize("score", [[1], [5], [2, 2], [], [2.0], ["2"], [True], 2, [None]])
def test_rows_that_cannot_be_scored_cannot_be_chosen(score: Any):
    told = refused({"rows": [later(hours) for hours in range(5)], "score": score}, checks(2))
    assert told.status == 422
    assert "score" in str(told)


def of(kinds: str) -> list[dict[str, Any]]:
    return [{**later(hour), "kind": kind} for hour, kind in enumerate(kinds)]


@given(st.text("abc", min_size=3, max_size=12), st.none() | st.lists(st.integers(-1, 12), max_size=3))
def test_both_readers_score_the_rows_that_have_their_own_history_and_no_others(kinds, score):
    columns = COLUMNS | {"kind": Column(type="category")}
    request = request_of(2, columns).model_copy(update={"entity": "kind"})
    found, body = Checks(request, KNOWN, max_rows=50), json.dumps({"rows": of(kinds), "score": score}).encode()
    reaching = [number for number, kind in enumerate(kinds) if kinds[:number].count(kind) >= 2]
    good = bool(reaching) if score is None else bool(score) and len(set(score)) == len(score)
    if good and set(score or ()) <= set(reaching):
        for rows in (found.read(body), thoroughly(found, body)):
            assert list(rows.scored) == (reaching if score is None else score)
            assert list(rows.reaching) == reaching
    else:
        assert refused(body, found).status == 422


def test_rows_that_lack_history_of_their_own_are_named_with_what_they_need():
    request = request_of(1, COLUMNS | {"kind": Column(type="category")})
    found = Checks(request.model_copy(update={"entity": "kind"}), KNOWN, max_rows=50)
    told = refused({"rows": of("abab"), "score": [3, 1, 0]}, found)
    assert listed(told) == [(row, "kind", "too little history of its own") for row in (0, 1)]
    assert told.problems.found[1].allowed == "1 row of the same kind before it"
    assert told.problems.found[1].value == "b"


def test_categories_that_were_never_seen_are_told():
    found = checks()
    assert [found.unknown(read({**ROW, "kind": kind}, found).values[0]) for kind in ("a", "new", None)] == [
        [],
        ["kind"],
        [],
    ]


def test_a_missing_number_is_nan():
    assert math.isnan(read({**ROW, "size": None}).values[0][2])


def test_a_column_that_is_called_rows_is_still_a_column():
    columns = {"rows": Column(type="float")}
    assert read({"rows": 1.5}, checks(columns=columns)).values == [[1.5]]


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(binary):
    app = open_app(binary, max_body=1000)
    assert ask(app, "/predict", b" " * 1001).status == 413
    assert ask(app, "/predict", b"", parts=[b" " * 600, b" " * 600]).status == 413
