"""release.yml really runs: a good release ends in prod, signed and pinned by digest; one that does not serve is undone."""

import json
import shutil
import subprocess
import urllib.request

import pytest

from tests.workflows.releasing import OPTIONS, Site, podman, site  # noqa: F401 - the fixture

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def released(site: Site) -> str:  # noqa: F811
    """What the workflow printed on the tag of v0.1.0."""
    status, printed = site.act("push", version="v0.1.0")
    assert status == 0, printed
    return printed


@pytest.fixture(scope="module")
def refused(site: Site, released: str) -> tuple[int, str]:  # noqa: F811
    """The status and the output of the workflow started by hand for v0.2.0, which does not serve."""
    return site.act("workflow_dispatch", version="v0.2.0")


def entries(site: Site) -> list[dict]:  # noqa: F811
    return [json.loads(line) for line in site.git("show", "main:reports/audit.jsonl").splitlines()]


def folder(site: Site) -> str:  # noqa: F811
    return str(site.path / "shelf/release")
