"""What is under deploy/ is what its tools take, keeps secrets elsewhere, and runs with no more than it needs."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from keepfit.serving.app import App
from keepfit.serving.changes import serve_champion
from keepfit.serving.exposition import write_text
from keepfit.serving.keep import Log
from keepfit.serving.options import ServiceOptions
from tests.bundles import Case, train_bundle
from tests.modelling import ROOT

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
MANIFESTS = {
    manifest["kind"]: manifest
    for file in (DEPLOY / "kubernetes").glob("*.yaml")
    if (manifest := yaml.safe_load(file.read_text()))
}
POD = MANIFESTS["Deployment"]["spec"]["template"]["spec"]
CONTAINER = POD["containers"][0]
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed: apt-get install prometheus")


def test_the_compose_file_fits_its_schema_and_a_misspelt_key_does_not(tmp_path: Path):
    misspelt = tmp_path / "misspelt.yaml"
    misspelt.write_text((DEPLOY / "compose.yaml").read_text().replace("read_only: true\n", "readonly: true\n", 1))
    tool = [Path(sys.executable).with_name("check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    command = [*tool, "--output-format", "json", DEPLOY / "compose.yaml", misspelt]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    assert {Path(error["filename"]).name for error in told["errors"]} == {"misspelt.yaml"}


@pytest.mark.parametrize("kind", sorted(set(MANIFESTS) - {"Kustomization"}))
def test_every_manifest_fits_the_schema_of_its_kind(kind: str):
    kubernetes_validate.validate(MANIFESTS[kind], "1.37", strict=True)


def test_the_kustomization_names_every_manifest():
    listed = MANIFESTS["Kustomization"]["resources"]
    assert sorted(listed) == sorted(
        file.name for file in (DEPLOY / "kubernetes").glob("*.yaml") if file.name != "kustomization.yaml"
    )


def test_a_pod_is_not_root_writes_to_no_image_and_has_no_capability():
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    held = CONTAINER["securityContext"]
    assert held["readOnlyRootFilesystem"] is True
    assert held["allowPrivilegeEscalation"] is held["privileged"] is False
    assert held["capabilities"] == {"drop": ["ALL"]}
    assert POD["automountServiceAccountToken"] is MANIFESTS["ServiceAccount"]["automountServiceAccountToken"] is False


def test_the_image_the_pod_and_the_compose_file_agree_on_the_user():
    user = re.search(r"^USER (\d+):(\d+)$", (DEPLOY / "Containerfile").read_text(), flags=re.MULTILINE)
    assert user
    assert POD["securityContext"]["runAsUser"] == int(user[1])
    assert COMPOSE["services"]["keepfit"]["user"] == f"${{KEEPFIT_USER:-{user[1]}:{user[2]}}}"


def test_a_pod_that_starts_gets_its_time_and_one_that_ends_too():
    assert CONTAINER["startupProbe"]["httpGet"]["path"] == CONTAINER["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert CONTAINER["livenessProbe"]["httpGet"]["path"] == "/livez"
    rolling = MANIFESTS["Deployment"]["spec"]["strategy"]["rollingUpdate"]
    assert rolling["maxUnavailable"] == 0
    assert POD["terminationGracePeriodSeconds"] > int(CONTAINER["lifecycle"]["preStop"]["exec"]["command"][1]) + 10


def test_every_selector_finds_the_pods():
    labels = MANIFESTS["Deployment"]["spec"]["template"]["metadata"]["labels"]
    selectors = [
        MANIFESTS["Deployment"]["spec"]["selector"]["matchLabels"],
        MANIFESTS["Service"]["spec"]["selector"],
        MANIFESTS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        MANIFESTS["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(selector.items() <= labels.items() for selector in selectors)
    scaled = MANIFESTS["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (scaled["kind"], scaled["name"]) == ("Deployment", MANIFESTS["Deployment"]["metadata"]["name"])


def test_who_may_reach_a_pod_and_what_it_may_reach_is_listed():
    policy = MANIFESTS["NetworkPolicy"]["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    assert all(rule.get("from") for rule in policy["ingress"])
    assert all(rule.get("to") for rule in policy["egress"])


def test_no_secret_stands_in_a_file():
    assert "Secret" not in MANIFESTS
    assert all(list(secret) == ["environment"] for secret in COMPOSE["secrets"].values())
    for name, value in MANIFESTS["ConfigMap"]["data"].items():
        assert not re.search("password|token|secret|://", f"{name}={value}", flags=re.IGNORECASE)
    for entry in CONTAINER["env"]:
        assert "value" not in entry, f"{entry['name']}: a plain value"
    for service in COMPOSE["services"].values():
        for name, value in service.get("environment", {}).items():
            assert "PASSWORD" not in name or value.startswith("/run/secrets/")


def test_every_file_that_the_compose_file_mounts_is_there():
    mounts = [mount for each in COMPOSE["services"].values() for mount in each.get("volumes", [])]
    sources = [mount["source"] for mount in mounts if mount["type"] == "bind"]
    shipped = [source for source in sources if not source.startswith("$")]
    assert shipped
    assert all((DEPLOY / source).exists() for source in shipped)


@needs_promtool
def test_each_rule_alarms_when_it_must_and_not_else():
    command = [PROMTOOL, "test", "rules", "alerts_test.yml"]
    done = subprocess.run(command, cwd=DEPLOY / "prometheus", capture_output=True, text=True)
    assert not done.returncode, done.stdout + done.stderr


@needs_promtool
def test_promtool_takes_the_configuration():
    command = [PROMTOOL, "check", "config", "--syntax-only", "prometheus.yml"]
    done = subprocess.run(command, cwd=DEPLOY / "prometheus", capture_output=True, text=True)
    assert not done.returncode, done.stderr


def test_every_alert_is_tested():
    rules = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"][0]["rules"]
    tests = yaml.safe_load((DEPLOY / "prometheus/alerts_test.yml").read_text())["tests"]
    alarming = {each["alertname"] for test in tests for each in test["alert_rule_test"] if each["exp_alerts"]}
    assert {rule["alert"] for rule in rules} == alarming


def dashboard() -> dict[str, Any]:
    return json.loads((DEPLOY / "grafana/keepfit.json").read_text())


def test_the_dashboards_panels_ask_the_data_source_that_is_provisioned():
    source = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text())["datasources"][0]
    panels = [panel for panel in dashboard()["panels"] if panel["type"] != "row"]
    assert {target["datasource"]["uid"] for panel in panels for target in panel["targets"]} == {source["uid"]}
    assert source["url"] == "http://prometheus:9090"
    assert len({panel["id"] for panel in dashboard()["panels"]}) == len(dashboard()["panels"])


def exposed(folder: Path) -> set[str]:
    """The names of the series of a service with all that it may have, after a few answers."""
    case = Case("binary")
    champion = train_bundle(folder / "champion", case.table(), case.settings())
    (folder / "drift.json").write_text('{"verdict": "ok"}')
    options = ServiceOptions(
        insecure=True, challenger=folder / "challenger", canary=0.5, drift_report=folder / "drift.json"
    )
    app = App(options)
    standby = serve_champion(app, champion.folder)
    standby.look()
    app.metrics.count_request("/predict", 200, 0.001)
    app.metrics.count_row("champion", 0.5, ["c"])
    app.log = Log(folder / "log", limit_bytes=1_000_000, pii_key=None)
    text = write_text(app.metrics.families()).decode()
    return {re.split("[ {]", line)[0] for line in text.splitlines() if not line.startswith("#")}


def asked_for() -> dict[str, set[str]]:
    """The names of series in each query of the dashboard and of the alerts."""
    queries = {
        f"dashboard: {panel['title']}": " ".join(target["expr"] for target in panel.get("targets", []))
        for panel in dashboard()["panels"]
    }
    rules = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"][0]["rules"]
    queries |= {f"alert: {rule['alert']}": rule["expr"] for rule in rules}
    return {where: set(re.findall(r"\b(?:keepfit|process)_\w+", query)) for where, query in queries.items()}


def test_the_dashboard_and_the_alerts_ask_for_what_the_service_exposes(tmp_path: Path):
    names, asked = exposed(tmp_path), asked_for()
    missing = {where: sorted(wanted - names) for where, wanted in asked.items() if wanted - names}
    assert not missing
    assert len(set().union(*asked.values())) >= 15
