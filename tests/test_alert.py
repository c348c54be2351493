"""Alert: one issue a dataset, opened on news, quiet where there is none, closed when the check is calm."""

import pytest

from keepfit.alert import mark, plan, title
from keepfit.turn import Turn


def turn(outcome: str, why: str = "because", verdict: str = "drift") -> Turn:
    made = Turn(dataset="shop", base="a" * 40, until="2024-12-01", outcome=outcome, why=why, verdict=verdict)
    return made.add("gate", "keep", challenger="c" * 64) if outcome == "rejected" else made


def body(outcome: str, **more: str) -> str:
    return plan(turn(outcome, **more), None, seen=None)[0].text


TROUBLE = ["alert", "fix-data", "rejected", "pinned", "failed", "lost"]


@pytest.mark.parametrize("outcome", TROUBLE)
def test_trouble_opens_an_issue_that_bears_the_datasets_mark_and_says_why(outcome):
    (step,) = plan(turn(outcome, "the world changed"), None, seen=None)
    assert step.kind == "open"
    assert step.text.startswith(mark("shop"))
    assert "the world changed" in step.text
    assert "2024-12-01" in step.text
    assert "shop" in title(turn(outcome))


@pytest.mark.parametrize("outcome", ["calm", "promoted", "proposed"])
def test_without_trouble_and_without_an_issue_nothing_is_said(outcome):
    assert plan(turn(outcome), None, seen=None) == []


@pytest.mark.parametrize("outcome", TROUBLE)
def test_the_same_news_changes_the_body_and_makes_no_comment(outcome):
    assert [step.kind for step in plan(turn(outcome, "later"), None, seen=body(outcome))] == ["edit"]


def test_other_news_makes_a_comment_too():
    assert [step.kind for step in plan(turn("rejected"), None, seen=body("alert"))] == ["edit", "comment"]


@pytest.mark.parametrize("outcome", ["calm", "promoted"])
def test_an_open_issue_is_closed_with_a_word_when_all_is_well(outcome):
    assert [step.kind for step in plan(turn(outcome), None, seen=body("alert"))] == ["comment", "close"]


def test_the_checks_lines_are_a_table_that_a_bar_in_a_value_does_not_break():
    report = {"verdict": "drift", "why": "a|b", "action": "alert"}
    text = plan(turn("alert"), report, seen=None)[0].text
    assert "| verdict | drift: a\\|b |" in text
