"""retrain.yml really runs: what a turn leaves on main, in the tags, the remote, the trace and the issue."""

import json

import pytest

from tests.workflows import shop
from tests.workflows.hub import Hub

pytestmark = pytest.mark.slow

TRACE = "refs/keepfit/trace/shop"
CALM = shop.orders(45, first=shop.NEWER, seed=1)


def events(trail: list[dict]) -> list[str]:
    return [entry["event"] for entry in trail]


def champion(hub: Hub, revision: str = "main") -> str:
    return json.loads(hub.read("reports/shop/gate.json", revision))["champion"]["version"]


def test_where_nothing_drifted_main_and_the_tags_stay_and_no_issue_is_opened(hub: Hub):
    hub.sell(shop.history(CALM))
    before = hub.head
    hub.act("schedule", "retrain.yml")
    assert (hub.head, hub.tags, hub.recorder.posts) == (before, [], [])
    assert events(hub.trail(TRACE)) == ["check"]
    assert hub.trail(TRACE)[0]["who"] == "keepfit[bot]"
