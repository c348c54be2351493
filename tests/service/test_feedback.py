"""Outcomes: each is what the task allows, or a refusal that names it."""

import threading
from typing import Any

import pytest

from keepfit.bundle import Bundle
from keepfit.serving.app import App
from keepfit.serving.feedback import read_outcomes
from tests.service.asking import ask, open_app


def outcome(value: Any, name: str = "0" * 32) -> dict[str, Any]:
    return {"id": name, "outcome": value}


@pytest.mark.parametrize(
    ("task", "good", "bad"),
    [
        ("binary", [True, False, 1, 0], ["yes", 2, None, 0.5]),
        ("multiclass", ["low", "high"], ["other", 1, True]),
        ("regression", [1, -2.5], ["1", True, None]),
    ],
)
def test_outcomes_are_checked_against_the_task(task: str, good: list, bad: list, request):
    app = open_app(request.getfixturevalue(task))
    assert ask(app, "/feedback", [outcome(each) for each in good]).json["accepted"] == len(good)
    assert ask(app, "/feedback", outcome(good[0])).json["accepted"] == 1
    told = ask(app, "/feedback", [outcome(each) for each in bad])
    assert told.status == 422
    assert told.problems == [(row, "outcome", "wrong outcome") for row in range(len(bad))]


def test_outcomes_that_are_none_are_refused(app: App):
    told = ask(app, "/feedback", [outcome(True, "x"), {"id": "0" * 32}, {**outcome(True), "more": 1}, 5])
    assert told.problems == [
        (0, "id", "not an id"),
        (1, "outcome", "missing"),
        (2, "more", "unknown"),
        (3, None, "wrong type"),
    ]
    assert ask(app, "/feedback", []).status == 422


def test_more_outcomes_than_allowed_are_refused(binary: Bundle):
    assert ask(open_app(binary, max_outcomes=2), "/feedback", [outcome(True)] * 3).status == 413


def test_a_large_body_of_outcomes_is_not_read_where_requests_wait(app: App, monkeypatch: pytest.MonkeyPatch):
    threads = []

    def read(*given, **more):
        threads.append(threading.current_thread() is threading.main_thread())
        return read_outcomes(*given, **more)

    monkeypatch.setattr("keepfit.serving.app.read_outcomes", read)
    for count in (1, 1000):
        assert ask(app, "/feedback", [outcome(True)] * count).json["accepted"] == count
    assert threads == [True, False]
