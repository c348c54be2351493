"""The workflows really run: what a turn leaves on main, in the tags, the remote, the logbook, the issue."""

import json
import os
import re
import signal
import subprocess
import urllib.request

import pytest
import yaml

from tests.integration.conftest import wait_until_ready
from tests.workflows import shop
from tests.workflows.bucket import free_port
from tests.workflows.hub import Hub

pytestmark = pytest.mark.slow

LOGBOOK = "refs/keepfit/logbook/shop"
MARK = "<!-- keepfit:alert:shop -->"
CALM = shop.orders(45, first=shop.NEWER, seed=1)
STRANGE = shop.orders(45, first=shop.NEWER, seed=1, strange=True)
# From September on dear means dearer: a model that has seen it does better, one of much dearer is off.
DEARER = shop.orders(100, first=shop.NEWER, seed=1, start=62)
MUCH_DEARER = shop.orders(100, first=shop.NEWER, seed=1, start=80)
DECEMBER = {"until": "2024-12-01", "force": False, "dry_run": False}


def events(trail: list[dict]) -> list[str]:
    return [entry["event"] for entry in trail]


def champion(hub: Hub, revision: str = "main") -> str:
    return json.loads(hub.read("reports/shop/gate.json", revision))["champion"]["version"]


def unchanged(hub: Hub, before: str) -> bool:
    return (hub.head, hub.tags) == (before, [])


def test_where_nothing_drifted_main_stays_and_an_open_issue_is_closed(hub: Hub):
    hub.sell(shop.history(CALM))
    before = hub.head
    hub.recorder.answer("POST", "/repos/a-team/shop/issues", {"title": "old", "body": f"{MARK} drifted"})
    hub.act("schedule", "retrain.yml")
    assert unchanged(hub, before)
    assert events(hub.trail(LOGBOOK)) == ["check"]
    assert hub.trail(LOGBOOK)[0]["who"] == "keepfit[bot]"
    (issue,) = hub.recorder.issues
    assert issue["state"] == "closed"
    assert "calm" in issue["comments"][0]


def test_drift_of_the_data_alone_alerts_once_and_trains_nothing(hub: Hub):
    hub.sell(shop.history(STRANGE))
    before = hub.head
    hub.act("repository_dispatch", "retrain-on-demand.yml", name="first")
    hub.act("schedule", "retrain.yml", name="second")
    assert unchanged(hub, before)
    assert events(hub.trail(LOGBOOK)) == ["check", "check"]
    (issue,) = hub.recorder.issues
    assert issue["state"] == "open"
    assert issue["labels"] == ["keepfit"]
    assert "channel" in issue["body"]
    assert issue["comments"] == []


def test_worse_predictions_end_in_a_new_champion_that_a_fresh_clone_pulls_and_serves(hub: Hub):
    hub.sell(shop.history(DEARER))
    before, old = hub.head, champion(hub)
    hub.act("workflow_dispatch", "retrain-on-demand.yml", inputs=DECEMBER)
    assert hub.git("rev-parse", "main^") == before
    assert champion(hub) != old
    assert hub.tags == ["champion#staging#1", "champion@v0.1.0"]
    assert hub.git("rev-parse", "champion@v0.1.0^{commit}") == hub.head
    assert events(hub.trail()) == ["check", "train", "gate", "promote"]
    assert yaml.safe_load(hub.read("params.yaml"))["gate"]["reason"] == "drift"
    assert champion(hub) in hub.read("reports/shop/card.md")
    assert hub.recorder.issues == []
    clone = hub.clone("fresh")
    assert champion(hub) in hub.run(clone, "make", "pull")
    assert "whole" in hub.run(clone, "python", "-m", "keepfit", "audit", "verify")
    assert "Data and pipelines are up to date" in hub.run(clone, "dvc", "status")
    assert serves(hub, clone) == champion(hub)


def serves(hub: Hub, clone) -> str:
    """The version that answers in a clone, asked with a key as its user would make one."""
    said = hub.run(clone, "python", "-m", "keepfit", "keys", "create", "--scope", "read")
    token = re.search(r"^kf_\S+", said, re.MULTILINE).group()
    port = free_port()
    command = ["make", "serve", f"PORT={port}"]
    server = subprocess.Popen(command, cwd=clone, env=hub.environment(), start_new_session=True)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", server)
        headers = {"Authorization": f"Bearer {token}"}
        request = urllib.request.Request(f"http://127.0.0.1:{port}/model", headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["version"]
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def test_a_rejected_challenger_leaves_its_reports_and_the_next_turn_waits(hub: Hub):
    hub.sell(shop.history(MUCH_DEARER))
    before = hub.head
    hub.act("workflow_dispatch", "retrain-on-demand.yml", inputs=DECEMBER, name="first")
    assert unchanged(hub, before)
    assert events(hub.trail(LOGBOOK)) == ["check", "train", "gate"]
    assert json.loads(hub.read("reports/shop/gate.json", LOGBOOK))["decision"] == "keep"
    (issue,) = hub.recorder.issues
    assert "rejected" in issue["title"]
    assert "calibration" in issue["body"]
    hub.act("workflow_dispatch", "retrain-on-demand.yml", inputs={**DECEMBER, "until": "2024-12-03"}, name="second")
    assert unchanged(hub, before)
    assert events(hub.trail(LOGBOOK)) == ["check", "train", "gate", "check"]
    assert "drift.cool_down" in hub.trail(LOGBOOK)[-1]["reason"]


def test_broken_data_asks_for_its_repair_and_a_source_that_is_down_too(hub: Hub):
    hub.sell(shop.history(CALM).drop(columns="channel"))
    before = hub.head
    hub.act("schedule", "retrain.yml", name="first")
    assert unchanged(hub, before)
    (issue,) = hub.recorder.issues
    assert "the data is broken" in issue["title"]
    assert "channel" in issue["body"]
    hub.source.unlink()
    hub.act("schedule", "retrain.yml", name="second", status=None)
    assert unchanged(hub, before)
    assert "shop.csv" in hub.recorder.issues[0]["body"]


def test_a_forced_turn_trains_whatever_the_check_says_and_a_dry_run_leaves_nothing(hub: Hub):
    hub.sell(shop.history(CALM))
    before = hub.head
    forced = {"until": "2024-10-10", "force": True}
    log = hub.act("workflow_dispatch", "retrain-on-demand.yml", inputs={**forced, "dry_run": True}, name="dry")
    assert "dry run" in log
    assert unchanged(hub, before)
    assert (hub.trail(LOGBOOK), hub.recorder.requests) == ([], [])
    hub.act("workflow_dispatch", "retrain-on-demand.yml", inputs={**forced, "dry_run": False})
    assert "train" in events([*hub.trail(), *hub.trail(LOGBOOK)])


def test_a_stage_that_fails_is_told_and_publishes_nothing(hub: Hub):
    colleague = hub.clone("colleague")
    config = colleague / "conf/config.yaml"
    text = config.read_text()
    assert "folds: 4\n  min_rows: 100" in text
    config.write_text(text.replace("folds: 4\n  min_rows: 100", "folds: 4\n  min_rows: 500000"))
    hub.run(colleague, "make", "params")
    hub.run(colleague, "git", "commit", "--quiet", "-am", "chore: ask for more rows")
    hub.run(colleague, "git", "push", "--quiet", "origin", "HEAD:main")
    hub.sell(shop.history())
    before = hub.head
    hub.act("push", "retrain-on-push.yml", status=1)
    assert unchanged(hub, before)
    assert events(hub.trail(LOGBOOK)) == ["failure"]
    assert "train.min_rows" in hub.recorder.issues[0]["body"]


def test_a_push_that_loses_the_race_to_other_settings_publishes_nothing(hub: Hub):
    hub.sell(shop.history(DEARER))
    rival = hub.rival("conf/objective/shop.yaml", "unit: euros", "unit: dollars")
    hub.act("workflow_dispatch", "retrain-on-demand.yml", inputs=DECEMBER, status=1)
    assert unchanged(hub, rival)
    assert events(hub.trail(LOGBOOK)) == ["check", "train", "gate", "failure"]
    assert "conf/objective/shop.yaml" in hub.recorder.issues[0]["body"]


def test_a_remote_that_refuses_leaves_main_and_the_tags_as_they_were(hub: Hub):
    # Orders of its own: what another test has pushed needs no right to write.
    hub.sell(shop.history(shop.orders(100, first=shop.NEWER, seed=2, start=62)))
    before = hub.head
    hub.act("workflow_dispatch", "retrain-on-demand.yml", inputs=DECEMBER, key="reader", status=1)
    assert unchanged(hub, before)
    assert events(hub.trail(LOGBOOK)) == ["check", "train", "gate", "failure"]
    (issue,) = hub.recorder.issues
    assert "the run failed" in issue["title"]


def test_a_proposal_waits_for_its_merge_and_is_tagged_then(hub: Hub):
    hub.set("conf/config.yaml", "publish: direct", "publish: pull-request")
    hub.sell(shop.history(DEARER))
    before = hub.head
    hub.act("workflow_dispatch", "retrain-on-demand.yml", inputs=DECEMBER, name="first")
    assert unchanged(hub, before)
    (pull,) = hub.recorder.pulls
    assert (pull["head"], pull["base"]) == ("keepfit/shop", "main")
    for part in ("| log_loss |", "### Evidence of drift", "# Model card: shop"):
        assert part in pull["body"]
    hub.git("update-ref", "refs/heads/main", "refs/heads/keepfit/shop")
    hub.act("push", "register.yml", name="second")
    assert hub.tags == ["champion#staging#1", "champion@v0.1.0"]
    assert hub.git("rev-parse", "champion@v0.1.0^{commit}") == hub.head
