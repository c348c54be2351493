"""Logbook: the trail of turns that changed nothing goes on beside main, from clone to clone."""

import json
from pathlib import Path

import pytest

from keepfit import logbook
from keepfit.errors import LostRace
from keepfit.trail import TRAIL, Happening, add_entries, read_trail
from keepfit.turn import begin
from tests.repositories import clone, commit, make_hub, run, stand_in

REF = "refs/keepfit/logbook/shop"


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return make_hub(tmp_path)


def leave_one(path: Path, monkeypatch: pytest.MonkeyPatch, why: str, **files: Path) -> None:
    stand_in(path, monkeypatch)
    logbook.leave(begin("shop").add("check", why), files)


def reasons() -> list[str]:
    return [entry.reason for entry in read_trail(TRAIL)]


def test_a_turn_leaves_its_lines_in_the_logbook_and_nothing_on_main(hub, tmp_path, monkeypatch):
    work = clone(hub, tmp_path / "work")
    before = run(hub, "rev-parse", "main")
    leave_one(work, monkeypatch, "calm")
    assert run(hub, "rev-parse", "main") == before
    assert run(hub, "for-each-ref", "--format=%(refname)").split() == ["refs/heads/main", REF]
    assert json.loads(run(hub, "show", f"{REF}:{TRAIL}"))["reason"] == "calm"
    assert run(work, "diff", "--cached", "--name-only") == ""


def test_the_next_clone_goes_on_from_there(hub, tmp_path, monkeypatch):
    leave_one(clone(hub, tmp_path / "monday"), monkeypatch, "monday")
    stand_in(clone(hub, tmp_path / "tuesday"), monkeypatch)
    assert logbook.recall("shop")
    assert reasons() == ["monday"]
    logbook.leave(begin("shop").add("check", "tuesday"), {})
    stand_in(clone(hub, tmp_path / "wednesday"), monkeypatch)
    assert logbook.recall("shop")
    assert reasons() == ["monday", "tuesday"]


def test_two_turns_at_once_leave_both_their_lines(hub, tmp_path, monkeypatch):
    one, other = clone(hub, tmp_path / "one"), clone(hub, tmp_path / "other")
    leave_one(one, monkeypatch, "one")
    leave_one(other, monkeypatch, "other")
    stand_in(clone(hub, tmp_path / "next"), monkeypatch)
    logbook.recall("shop")
    assert reasons() == ["one", "other"]


def test_a_trail_that_went_on_on_main_makes_the_logbook_void(hub, tmp_path, monkeypatch):
    leave_one(clone(hub, tmp_path / "monday"), monkeypatch, "monday")
    work = stand_in(clone(hub, tmp_path / "tuesday"), monkeypatch)
    happening = Happening(event="rollback", dataset="shop", who="ann", commit="a", reason="by hand")
    add_entries(TRAIL, [happening])
    commit(work, "revert: by hand")
    run(work, "push", "--quiet", "origin", "HEAD:main")
    stand_in(clone(hub, tmp_path / "wednesday"), monkeypatch)
    assert not logbook.recall("shop")
    assert reasons() == ["by hand"]
    logbook.leave(begin("shop").add("check", "wednesday"), {})
    assert reasons() == ["by hand", "wednesday"]


def test_the_reports_of_a_turn_are_in_the_logbook(hub, tmp_path, monkeypatch):
    report = tmp_path / "gate.json"
    report.write_text('{"decision": "keep"}')
    leave_one(clone(hub, tmp_path / "work"), monkeypatch, "rejected", **{"reports/shop/gate.json": report})
    assert logbook.read_page("shop", "reports/shop/gate.json") == '{"decision": "keep"}'
    assert run(hub, "show", "main:reports/shop/gate.json") == "{}"


def test_a_repository_that_refuses_the_logbook_is_told_in_one_line(hub, tmp_path, monkeypatch):
    work = clone(hub, tmp_path / "work")
    hook = hub / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no room >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(LostRace, match="no room"):
        leave_one(work, monkeypatch, "calm")


def test_without_an_origin_the_logbook_stays_here(tmp_path, monkeypatch):
    work = tmp_path / "alone"
    run(tmp_path, "init", "--quiet", "--initial-branch", "main", str(work))
    (work / "it").write_text("it")
    run(work, "config", "user.email", "ann@example.com")
    run(work, "config", "user.name", "Ann")
    commit(work, "feat: begin")
    leave_one(work, monkeypatch, "alone")
    assert run(work, "show", f"{REF}:{TRAIL}")
