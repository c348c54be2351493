"""A real Prometheus scrapes two real workers, and the dashboard's queries are asked of it."""

import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keepfit.environment import free_port
from keepfit.serving.keys import create_key
from tests.bundles import Case, train_bundle
from tests.modelling import ROOT
from tests.service.traffic import Load, Server, serving

PROMETHEUS = shutil.which("prometheus")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed: apt-get install prometheus"),
]
DEPLOY = ROOT / "deploy"


class Prometheus:
    """Asked by its API."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/api/v1"

    def get(self, path: str, **query: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/{path}?{urllib.parse.urlencode(query)}", timeout=10) as answer:
            return json.loads(answer.read())["data"]

    def ask(self, query: str) -> list[dict[str, Any]]:
        return self.get("query", query=query)["result"]

    def number(self, query: str) -> float:
        found = self.ask(query)
        return float(found[0]["value"][1]) if found else 0.0


def make_key(file: Path, *scopes: Any) -> str:
    return create_key(file, scopes, rate=100_000.0, lifetime=None, note="")[1]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    case = Case("binary")
    champion = train_bundle(tmp_path / "champion", case.table(), case.settings())
    (tmp_path / "drift.json").write_text('{"verdict": "drift"}')
    keys = tmp_path / "keys.json"
    (tmp_path / "metrics_key").write_text(make_key(keys, "read"))
    options = {"insecure": "", "metrics": "key", "keys": keys, "drift_report": tmp_path / "drift.json"}
    options |= {"log_folder": tmp_path / "log", "challenger": tmp_path / "challenger", "watch": "0.3"}
    shutil.copytree(champion.folder, tmp_path / "challenger")
    with serving(champion.folder, key=make_key(keys, "predict", "read"), **options) as running:
        yield running


@pytest.fixture
def prometheus(server: Server, tmp_path: Path) -> Iterator[Prometheus]:
    """Prometheus by the shipped configuration, but for the addresses and the times."""
    folder, port = tmp_path / "prometheus", free_port()
    shutil.copytree(DEPLOY / "prometheus", folder)
    config = folder / "prometheus.yml"
    text = config.read_text()
    for shipped, here in [
        ("keepfit:3000", f"127.0.0.1:{server.port}"),
        ("/run/secrets/metrics_key", str(tmp_path / "metrics_key")),
        ("scrape_interval: 5s", "scrape_interval: 1s"),
        ("evaluation_interval: 15s", "evaluation_interval: 1s"),
    ]:
        assert text.count(shipped) == 1
        text = text.replace(shipped, here)
    config.write_text(text)
    command = [PROMETHEUS, f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'series'}"]
    with (tmp_path / "prometheus.log").open("w") as log:
        process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    running = Prometheus(port)
    try:
        server.wait_for(lambda: _scrapes(running))
        yield running
    finally:
        process.terminate()
        process.wait(timeout=60)


def _scrapes(prometheus: Prometheus) -> bool:
    try:
        return prometheus.number('up{job="keepfit"}') == 1
    except OSError:
        return False


def test_the_dashboard_shows_what_both_workers_did(server: Server, prometheus: Prometheus):
    with Load(server).running() as load:
        time.sleep(6)
    assert set(load.statuses) == {200}
    predicted = 'sum(keepfit_requests_total{path="/predict", status="200"})'
    server.wait_for(lambda: prometheus.number(predicted) == len(load.answers))
    assert prometheus.number('sum(keepfit_rows_total{role="champion"})') == len(load.answers)
    server.wait_for(lambda: prometheus.ask('ALERTS{alertname="KeepfitDrift", verdict="drift"}'))
    board = json.loads((DEPLOY / "grafana/keepfit.json").read_text())
    empty = [
        panel["title"]
        for panel in board["panels"]
        for target in panel.get("targets", [])
        if not prometheus.ask(target["expr"].replace("$__rate_interval", "30s").replace("$__interval", "30s"))
    ]
    # Nothing failed, and nothing was unknown.
    assert set(empty) <= {
        "Answers that are no success, by status",
        "Share of requests answered with 5xx",
        "Categories never seen in training, a second",
    }
    rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert {rule["health"] for rule in rules} == {"ok"}
    assert {rule["name"] for rule in rules if rule["state"] == "firing"} == {"KeepfitDrift"}
