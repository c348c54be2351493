"""Turn: what a check and a gate say becomes an outcome and events, and survives being kept."""

import pytest

from keepfit.turn import Turn, read_turn, take_check, take_gate, write_turn

TURN = Turn(dataset="shop", base="a" * 40)
NAMES = {
    "challenger": {"version": "new", "digest": "c" * 64, "trained_until": "2024-12-01"},
    "champion": {"version": "old", "digest": "d" * 64, "trained_until": "2024-08-31"},
    "previous": {"version": "old", "digest": "d" * 64, "trained_until": "2024-08-31"},
}


def said(action: str) -> dict:
    return {"verdict": "drift", "action": action, "why": "so", "champion": {"digest": "d" * 64}}


@pytest.mark.parametrize(("action", "outcome"), [("none", "calm"), ("alert", "alert"), ("fix-data", "fix-data")])
def test_the_action_of_a_check_is_the_outcome_where_nothing_is_trained(action, outcome):
    turn = take_check(TURN, said(action))
    assert (turn.outcome, turn.why) == (outcome, "so")
    assert [(each.event, each.digests) for each in turn.happenings] == [("check", {"champion": "d" * 64})]


def test_a_refused_challenger_is_rejected_and_says_why():
    turn = take_gate(TURN, {**NAMES, "decision": "keep", "replaced": False, "why": "no slice is worse: EWR"})
    assert (turn.outcome, turn.why, turn.champion) == ("rejected", "no slice is worse: EWR", "old")
    assert [each.event for each in turn.happenings] == ["train", "gate"]


def test_a_promotion_names_both_champions():
    gate = {**NAMES, "champion": NAMES["challenger"], "decision": "promote", "replaced": True, "why": "better"}
    turn = take_gate(TURN, gate)
    assert (turn.outcome, turn.champion) == ("promoted", "new")
    assert turn.happenings[-1].digests == {"champion": "c" * 64, "previous": "d" * 64}


def test_a_turn_that_was_kept_is_read_back_as_it_was(tmp_path):
    turn = take_check(TURN, said("alert"))
    write_turn(turn, tmp_path / "turn.json")
    assert read_turn(tmp_path / "turn.json") == turn
    assert read_turn(tmp_path / "none.json") is None
