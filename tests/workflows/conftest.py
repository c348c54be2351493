"""One shop with a champion, published to a bare repository and an S3 server; each test has a copy of its own."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workflows import shop
from tests.workflows.bucket import Bucket
from tests.workflows.hub import ROOT, Hub, copy_hub
from tests.workflows.recorder import Recorder


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    found = Bucket(tmp_path_factory.mktemp("s3") / "data")
    yield found
    found.stop()


@pytest.fixture(scope="session")
def seed(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Hub:
    """The shop with its first champion, up to the end of August."""
    recorder = Recorder()
    hub = Hub(tmp_path_factory.mktemp("seed"), bucket, recorder, recorder.serve())
    subprocess.run(["git", "clone", "--quiet", "--bare", str(ROOT), str(hub.bare)], check=True)
    # What is checked out here is main there, also where it is no branch.
    hub.git("update-ref", "--no-deref", "refs/heads/main", hub.git("rev-parse", "HEAD"))
    hub.git("symbolic-ref", "HEAD", "refs/heads/main")
    for tag in hub.tags:
        hub.git("tag", "--delete", tag)
    path = hub.clone("work")
    hub.sell(shop.history())
    shop.declare(path)
    hub.run(path, "dvc", "remote", "add", "--quiet", "--default", "storage", "s3://keepfit/shop")
    hub.run(path, "dvc", "remote", "modify", "storage", "endpointurl", bucket.address)
    hub.run(path, "make", "repro")
    hub.run(path, "git", "add", "--all")
    hub.run(path, "git", "commit", "--quiet", "-m", "feat: a shop")
    hub.run(path, "dvc", "push")
    hub.run(path, "git", "push", "--quiet", "origin", "HEAD:main")
    return hub


@pytest.fixture
def hub(seed: Hub, tmp_path: Path) -> Iterator[Hub]:
    found = copy_hub(seed, tmp_path)
    yield found
    found.api.shutdown()
