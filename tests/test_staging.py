"""Staging and rollout: a version gets to prod, or is taken back, with its line in the trail, in a real repository."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from keepfit.delivery import Release
from keepfit.errors import DeploymentError, LostRace, ReleaseError, RepositoryError
from keepfit.files import write_json
from keepfit.registry import register, tags
from keepfit.release import ReleaseFolder
from keepfit.repository import git
from keepfit.rollout import deploy, finish, undo
from keepfit.staging import (
    commit_of,
    publish_entry,
    released_image,
    require_commit,
    standing,
    unassign_staging,
)
from keepfit.trail import parse_trail
from keepfit.turn import happen

ANN = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare repository with the champions v0.1.0 and v0.2.0, and a clone of it."""
    folder = tmp_path_factory.mktemp("seed")
    run(folder, "init", "--quiet", "--bare", "--initial-branch", "main", "origin.git")
    run(folder, "clone", "--quiet", "origin.git", "clone")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "clone")
        for champion in ("one", "two"):
            Path("champion").write_text(champion)
            git("add", "champion")
            git(*ANN, "commit", "--quiet", "-m", champion)
            register("HEAD", stage="staging", message="a champion")
            # GTO goes by the second in which a tag was made.
            time.sleep(1.1)
        git("push", "--quiet", "origin", "HEAD:refs/heads/main", "--tags")
    return folder


@pytest.fixture
def origin(seed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The bare repository; the test stands in the clone of it, and Git knows no name for it."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.delenv("GITHUB_ACTOR", raising=False)
    shutil.copytree(seed, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path / "clone")
    git("remote", "set-url", "origin", str(tmp_path / "origin.git"))
    return tmp_path / "origin.git"


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def release_of(version: str, tmp_path: Path) -> ReleaseFolder:
    """A release that was pushed, as far as staging is concerned with it."""
    folder = ReleaseFolder(tmp_path / version)
    names = {"commit": commit_of(version), "dataset": "toy", "recipe": "r", "champion": "c", "bento": "b"}
    write_json(folder.path / "release.json", {**names, "version": version, "image": f"registry/toy@sha256:{version}"})
    return folder


def settings(log: Path, *, command: str | None = 'echo "$VERSION $IMAGE $DATASET" >> {log}') -> Release:
    told = command and command.format(log=log)
    rest = {"image": None, "url": None, "patience": 1, "public_key": None, "identity": None, "issuer": "i"}
    return Release(deploy=told, **rest)


def trail(origin: Path) -> list:
    return parse_trail(run(origin, "show", "main:reports/audit.jsonl"), name="main")


def test_a_finished_release_is_in_prod_and_in_the_trail_of_main(origin, tmp_path):
    made = finish(release_of("v0.1.0", tmp_path), branch="main", url="http://service")
    assert made == ["champion#prod#3"]
    assert standing("prod") == "v0.1.0"
    assert run(origin, "rev-parse", "champion#prod#3^{commit}") == commit_of("v0.1.0")
    (entry,) = trail(origin)
    assert (entry.event, entry.commit) == ("release", commit_of("v0.1.0"))
    assert released_image("v0.1.0", branch="main") == "registry/toy@sha256:v0.1.0"
    assert released_image("v0.2.0", branch="main") is None


def test_the_working_tree_and_what_main_holds_stay_as_they_are(origin, tmp_path):
    Path("half-done").write_text("mine")
    finish(release_of("v0.1.0", tmp_path), branch="main", url="http://service")
    assert git("status", "--porcelain") == "?? half-done"
    assert run(origin, "show", "main:champion") == "two"


def test_where_nothing_was_asked_prod_stays_and_the_image_is_recorded(origin, tmp_path):
    assert finish(release_of("v0.1.0", tmp_path), branch="main", url=None) == []
    assert standing("prod") is None
    assert trail(origin)[0].digests["image"] == "registry/toy@sha256:v0.1.0"


def test_a_release_may_be_finished_twice(origin, tmp_path):
    for _ in range(2):
        finish(release_of("v0.1.0", tmp_path), branch="main", url="http://service")
    assert len(trail(origin)) == 2
    assert [tag for tag in tags() if "#prod" in tag] == ["champion#prod#3"]


def test_undo_deploys_the_version_in_prod_again_and_clears_staging(origin, tmp_path):
    finish(release_of("v0.1.0", tmp_path), branch="main", url="http://service")
    told = undo(release_of("v0.2.0", tmp_path), settings(tmp_path / "log"), branch="main", reason="no answer")
    assert told == "v0.2.0 taken back: no answer; v0.1.0 deployed again"
    assert (tmp_path / "log").read_text() == "v0.1.0 registry/toy@sha256:v0.1.0 toy\n"
    assert (standing("staging"), standing("prod")) == ("v0.1.0", "v0.1.0")
    last = trail(origin)[-1]
    assert last.reason == told
    assert last.digests == {"champion": "c", "bento": "b", "refused": "registry/toy@sha256:v0.2.0"}


def test_undo_of_the_first_release_says_that_there_is_nothing_to_go_back_to(origin, tmp_path):
    told = undo(release_of("v0.2.0", tmp_path), settings(tmp_path / "log"), branch="main", reason="no answer")
    assert told.endswith("nothing to go back to")
    assert not (tmp_path / "log").exists()


def test_a_service_that_cannot_be_restored_is_an_error_after_the_tag_is_taken_back(origin, tmp_path):
    finish(release_of("v0.1.0", tmp_path), branch="main", url="http://service")
    broken = settings(tmp_path / "log", command="exit 7")
    with pytest.raises(DeploymentError, match=r"failed to deploy v0\.1\.0 again: .* status 7"):
        undo(release_of("v0.2.0", tmp_path), broken, branch="main", reason="no answer")
    assert standing("staging") == "v0.1.0"
    assert "failed to deploy v0.1.0 again" in trail(origin)[-1].reason


def test_a_second_release_of_the_version_in_prod_goes_back_to_the_image_of_the_first(origin, tmp_path):
    folder = release_of("v0.1.0", tmp_path)
    finish(folder, branch="main", url="http://service")
    folder.write_image("registry/toy@sha256:again")
    undo(folder, settings(tmp_path / "log"), branch="main", reason="no answer")
    assert (tmp_path / "log").read_text() == "v0.1.0 registry/toy@sha256:v0.1.0 toy\n"
    assert trail(origin)[-1].digests["refused"] == "registry/toy@sha256:again"


def test_a_push_that_lost_the_race_is_made_again_on_top_of_the_other(origin, tmp_path):
    others = iter([True, False])

    def retag() -> None:
        if next(others):
            push_as_another(origin, tmp_path)
        unassign_staging("v0.2.0", "taken back")

    made = publish_entry(happen("release", "toy", "why", commit="abc"), branch="main", retag=retag)
    assert made == ["champion#staging!#3"]
    assert run(origin, "show", "main:other") == "theirs"
    assert [entry.reason for entry in trail(origin)] == ["why"]


def push_as_another(origin: Path, tmp_path: Path) -> None:
    run(tmp_path, "clone", "--quiet", str(origin), "other")
    (tmp_path / "other/other").write_text("theirs")
    run(tmp_path / "other", "add", ".")
    run(tmp_path / "other", *ANN, "commit", "--quiet", "-m", "theirs")
    run(tmp_path / "other", "push", "--quiet", "origin", "HEAD:main")


def test_where_the_branch_refuses_neither_line_nor_tag_is_left(origin, tmp_path):
    hook = origin / "hooks/update"
    hook.write_text("#!/bin/sh\ntest $1 != refs/heads/main\n")
    hook.chmod(0o755)
    with pytest.raises(LostRace, match="refused"):
        finish(release_of("v0.1.0", tmp_path), branch="main", url="http://service")
    assert "champion#prod#3" not in tags()
    assert "prod" not in run(origin, "tag")
    assert run(origin, "ls-tree", "--name-only", "main") == "champion"


def test_an_origin_that_is_away_is_told(origin, tmp_path):
    origin.rename(tmp_path / "away")
    with pytest.raises(RepositoryError, match="git fetch"):
        finish(release_of("v0.1.0", tmp_path), branch="main", url="http://service")


def test_a_release_is_of_the_tags_commit_and_of_nothing_else(origin):
    assert require_commit("v0.2.0") == git("rev-parse", "HEAD")
    with pytest.raises(ReleaseError, match="check the tag out first"):
        require_commit("v0.1.0")
    with pytest.raises(ReleaseError, match=r"no such tag; there are: .*champion@v0\.2\.0"):
        require_commit("v0.9.0")
    Path("champion").write_text("changed")
    with pytest.raises(ReleaseError, match="champion is changed and not committed"):
        require_commit("v0.2.0")


def test_what_deploys_finds_the_image_the_version_and_the_dataset(tmp_path):
    command = "env > {log}"
    deploy(settings(tmp_path / "log", command=command), image="i@sha256:1", version="v0.1.0", dataset="toy")
    found = dict(line.split("=", 1) for line in (tmp_path / "log").read_text().splitlines() if "=" in line)
    assert {"IMAGE": "i@sha256:1", "VERSION": "v0.1.0", "DATASET": "toy"}.items() <= found.items()
    assert found["PATH"] == os.environ["PATH"]


def test_every_command_of_what_deploys_must_succeed(tmp_path):
    with pytest.raises(DeploymentError, match="status 1"):
        deploy(settings(tmp_path, command="false\ntrue"), image="i", version="v0.1.0", dataset="toy")
    with pytest.raises(DeploymentError, match=r"release\.deploy is null"):
        deploy(settings(tmp_path, command=None), image="i", version="v0.1.0", dataset="toy")
