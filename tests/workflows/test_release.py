"""release.yml really runs: a good release ends in prod, signed and by digest; one that does not serve is undone."""

import hashlib
import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from keepfit.bundle import read_bundle
from keepfit.files import hash_file
from keepfit.score import score_rows
from keepfit.trail import parse_trail
from tests.workflows.containers import missing_parts, podman
from tests.workflows.releasing import Site, open_site

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if missing := missing_parts():
        pytest.skip(f"no release was made and run: {', '.join(missing)} not installed")
    with open_site(tmp_path_factory.mktemp("release")) as found:
        yield found


@pytest.fixture(scope="module")
def released(site: Site) -> str:
    """What the workflow printed on the tag of v0.1.0."""
    status, printed = site.act("push", version="v0.1.0")
    assert status == 0, printed
    return printed


@pytest.fixture(scope="module")
def record(site: Site, released: str) -> dict:
    return json.loads((site.path / "shelf/release/v0.1.0/release.json").read_text())


@pytest.fixture
def downloaded(site: Site, record: dict) -> Path:
    """The release of v0.1.0 in a clone at its tag, as the deploy job has it."""
    site.run("git", "checkout", "--quiet", "champion@v0.1.0")
    place = site.path / "work/outputs/release"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(site.path / "shelf/release", place)
    return place / "v0.1.0"


def standing(site: Site, stage: str) -> str:
    site.run("git", "fetch", "--quiet", "--tags", "--force", "origin")
    return json.loads(site.run("gto", "show", "--json", f"champion#{stage}"))[0]["version"]


def inside(site: Site, script: str) -> str:
    return site.run(*podman(), "exec", f"keepfit-{site.port}", "sh", "-c", script)


def test_the_version_that_serves_is_in_prod_and_in_the_audit_trail(site: Site, record: dict):
    assert standing(site, "prod") == "v0.1.0"
    (entry,) = parse_trail(site.git("show", "main:reports/audit.jsonl"), name="main")
    assert (entry.event, entry.who, entry.commit) == ("release", "ann", record["commit"])
    assert entry.digests["image"] == record["image"]
    assert entry.digests["champion"] == read_bundle(site.path / "work/models/toy/champion").digest
    assert entry.digests["sbom"] == hash_file(site.path / "shelf/release/v0.1.0/sbom.cdx.json")
    assert entry.digests["signature"] == hash_file(site.path / "shelf/release/v0.1.0.sig")
    changed = site.git("diff", "--name-only", "champion@v0.2.0", "main")
    assert changed == "reports/audit.jsonl"


def test_the_image_is_in_the_registry_under_the_digest_that_was_deployed(site: Site, record: dict):
    repository, digest = record["image"].split("@")
    assert repository == f"{site.registry}/owner/toy"
    address = f"http://{site.registry}/v2/owner/toy/manifests/{digest}"
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    with urllib.request.urlopen(urllib.request.Request(address, headers={"Accept": kind})) as answer:
        assert hashlib.sha256(answer.read()).hexdigest() == digest.removeprefix("sha256:")
    assert (site.path / "deployed").read_text().splitlines()[0] == f"v0.1.0 {record['image']}"


def test_the_container_gives_the_models_scores(site: Site, record: dict):
    recorded = json.loads((site.path / "shelf/release/v0.1.0/recorded.json").read_text())
    champion = read_bundle(site.path / "work/models/toy/champion")
    expected = score_rows(champion, pd.DataFrame(recorded["rows"])).score.tolist()
    body = json.dumps({"rows": recorded["rows"]}).encode()
    key = (site.path / "api.key").read_text()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"{site.url}/predict", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        told = json.loads(answer.read())
    assert expected == recorded["scores"]
    assert recorded["tolerance"] == 1e-12
    assert [each["score"] for each in told["predictions"]] == pytest.approx(expected, rel=1e-12)
    assert len(expected) == 50


def test_the_container_has_no_rights_nothing_to_write_to_and_nothing_to_build_with(site: Site, record: dict):
    assert inside(site, "id -u; id -g").split() == ["10001", "10001"]
    assert "CapEff:\t0000000000000000" in inside(site, "cat /proc/1/status")
    assert "Read-only file system" in inside(site, "touch /app/x /etc/x || true")
    assert inside(site, "command -v gcc cc c++ make || true") == ""
    assert inside(site, "ls -d /app/venv/bin/pip* /wheels /root/.cache 2>/dev/null || true") == ""
    found = json.loads(site.run(*podman(), "inspect", record["image"]))[0]["Config"]
    assert (found["User"], found["StopSignal"]) == ("10001:10001", "SIGTERM")
    assert found["Labels"]["org.keepfit.champion"] == record["champion"]
    # This fails where the image has no health check, too.
    site.run(*podman(), "healthcheck", "run", f"keepfit-{site.port}")


def test_the_sbom_is_valid_and_lists_each_wheel_and_the_model(site: Site, downloaded: Path, record: dict):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = (downloaded / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    components = json.loads(text)["components"]
    model = next(each for each in components if each["type"] == "machine-learning-model")
    assert model["hashes"][0]["content"] == hash_file(downloaded / "bento/src/champion/model.skops")
    assert model["licenses"] == [{"expression": "Apache-2.0"}]
    wheels = {hash_file(wheel) for wheel in (site.path / "wheels").glob("*.whl")}
    assert {each["hashes"][0]["content"] for each in components if each is not model} == wheels


def test_a_release_that_was_changed_after_it_was_signed_is_not_deployed(site: Site, downloaded: Path):
    site.run("python", "-m", "keepfit", "release", "verify", "v0.1.0")
    before = (site.path / "deployed").read_text()
    with (downloaded / "bento/src/champion/model.skops").open("ab") as file:
        file.write(b" ")
    for step in ("verify", "deploy"):
        assert "model.skops" in site.run("python", "-m", "keepfit", "release", step, "v0.1.0", status=1)
    assert (site.path / "deployed").read_text() == before


def test_the_keys_are_not_in_what_the_workflow_prints(site: Site, released: str):
    assert (site.path / "signing.pem").read_text().splitlines()[1] not in released
    assert (site.path / "api.key").read_text() not in released


def test_the_container_lets_nobody_in_without_a_key(site: Site, record: dict):
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{site.url}/model", timeout=30)


def test_a_version_that_does_not_serve_is_taken_back(site: Site, record: dict):
    assert standing(site, "staging") == "v0.2.0"
    # Started by hand, where the first one was started by the tag.
    status, printed = site.act("workflow_dispatch", version="v0.2.0")
    assert status != 0
    assert "SmokeError" in printed
    assert (standing(site, "staging"), standing(site, "prod")) == ("v0.1.0", "v0.1.0")
    first, second = parse_trail(site.git("show", "main:reports/audit.jsonl"), name="main")
    assert second.event == "release"
    assert "v0.2.0 taken back" in second.reason
    assert "no answer" in second.reason
    assert "v0.1.0 deployed again" in second.reason
    assert "image" not in second.digests
    assert second.digests["refused"] != first.digests["image"]
    deployed = [line.split() for line in (site.path / "deployed").read_text().splitlines()]
    assert deployed[-2:] == [["v0.2.0", second.digests["refused"]], ["v0.1.0", record["image"]]]
    labels = json.loads(site.run(*podman(), "inspect", f"keepfit-{site.port}"))[0]["Config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == "v0.1.0"
