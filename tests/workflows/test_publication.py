"""A promotion is published whole or not at all, whatever comes in between; by hand, as a person would."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import s3fs

from tests.workflows import shop
from tests.workflows.hub import Hub, copy_hub
from tests.workflows.recorder import Recorder
from tests.workflows.test_retrain import DEARER, LOGBOOK, champion, events, unchanged

pytestmark = pytest.mark.slow
KEEPFIT = ("python", "-m", "keepfit")


@pytest.fixture(scope="module")
def promoted(seed: Hub, tmp_path_factory: pytest.TempPathFactory) -> Hub:
    """A hub with a clone `work`, in which a turn has promoted a challenger that is not published yet."""
    hub = copy_hub(seed, tmp_path_factory.mktemp("promoted"))
    hub.sell(shop.history(DEARER))
    work = hub.clone("work")
    hub.run(work, "make", "pull")
    assert "promoted" in hub.run(work, "make", "retrain", "UNTIL=2024-12-01")
    return hub


@pytest.fixture
def hub(promoted: Hub, tmp_path: Path):
    recorder = Recorder()
    found = Hub(tmp_path / "hub", promoted.bucket, recorder, recorder.serve())
    shutil.copytree(promoted.folder, found.folder, symlinks=True)
    found.run(found.folder / "work", "git", "remote", "set-url", "origin", str(found.bare))
    yield found
    found.api.shutdown()


@pytest.fixture
def work(hub: Hub) -> Path:
    return hub.folder / "work"


def publish(hub: Hub, work: Path, *, status: int = 0, **more: str) -> str:
    return hub.run(work, *KEEPFIT, "publish", status=status, **more)


def tracked(work: Path) -> str:
    return subprocess.run(["git", "status", "--porcelain"], cwd=work, capture_output=True, text=True, check=True).stdout


def test_a_rival_push_of_something_else_comes_first_and_the_promotion_goes_on_top(hub: Hub, work: Path):
    rival = hub.rival("README.md", "# Keepfit", "# Keepfit, our own")
    publish(hub, work)
    assert hub.git("rev-parse", "main^") == rival
    assert hub.git("rev-parse", "champion@v0.1.0^{commit}") == hub.head
    assert "our own" in hub.read("README.md")
    assert events(hub.trail()) == ["check", "train", "gate", "promote"]


def test_two_turns_at_once_make_one_champion_and_the_other_is_told(hub: Hub, work: Path):
    other = Path(shutil.copytree(work, hub.folder / "other", symlinks=True))
    publish(hub, work)
    after = hub.head
    assert "LostRace: main moved to" in publish(hub, other, status=1)
    assert hub.head == after
    assert hub.tags == ["champion#staging#1", "champion@v0.1.0"]
    assert tracked(other) == ""
    assert "failure" in events(hub.trail(LOGBOOK))


def test_a_publication_that_is_killed_leaves_main_as_it_was_and_can_be_made_again(hub: Hub, work: Path):
    before = hub.head
    gate = hub.bare / "hooks/pre-receive"
    gate.parent.mkdir(exist_ok=True)
    gate.write_text("#!/bin/sh\ngrep -q refs/heads/main || exit 0\ntouch reached\nsleep 30\n")
    gate.chmod(0o755)
    process = subprocess.Popen(
        KEEPFIT_COMMAND, cwd=work, env=hub.environment(), start_new_session=True, stdout=-3, stderr=-3
    )
    end = time.monotonic() + 120
    while not (hub.bare / "reached").exists():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)
    gate.unlink()
    assert unchanged(hub, before)
    # The next run starts from a clean clone, and the data that was pushed already is there.
    clone = hub.clone("next")
    hub.run(clone, "make", "pull")
    hub.run(clone, "make", "retrain", "UNTIL=2024-12-01")
    publish(hub, clone)
    assert hub.git("rev-parse", "main^") == before
    assert hub.tags == ["champion#staging#1", "champion@v0.1.0"]


KEEPFIT_COMMAND = ["python", "-m", "keepfit", "publish"]


def test_a_file_of_the_remote_that_holds_other_bytes_stops_the_publication_and_the_pull(hub: Hub, work: Path):
    before = hub.head
    digest = champion_file(work)
    path = f"keepfit/shop/files/md5/{digest[:2]}/{digest[2:]}"
    files = hub.bucket.client()
    whole = read_or_none(files, path)
    files.pipe_file(path, b"other bytes")
    try:
        assert f"{path} holds other bytes" in publish(hub, work, status=1)
        assert unchanged(hub, before)
        assert tracked(work) == ""
    finally:
        files.rm_file(path) if whole is None else files.pipe_file(path, whole)


def champion_file(work: Path) -> str:
    listing = subprocess.run(
        ["dvc", "list", ".", "models/shop/champion", "--show-hash", "--json"],
        cwd=work, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return next(each["md5"] for each in json.loads(listing.stdout) if each["path"] == "passport.json")


def read_or_none(files: s3fs.S3FileSystem, path: str) -> bytes | None:
    return files.cat_file(path) if files.exists(path) else None


def test_a_rollback_brings_an_earlier_champion_back_and_no_turn_undoes_it_until_it_is_unpinned(hub: Hub, work: Path):
    first = champion(hub)
    publish(hub, work)
    second = champion(hub)
    clone = hub.clone("on-call")
    hub.run(clone, "make", "pull")
    hub.run(clone, *KEEPFIT, "rollback", "--reason", "it turns customers away", "--push")
    assert champion(hub) == first
    assert hub.tags == ["champion#staging#1", "champion#staging#2", "champion@v0.1.0", "champion@v0.2.0"]
    assert events(hub.trail())[-1] == "rollback"
    fresh = hub.clone("fresh")
    assert first in hub.run(fresh, "make", "pull")
    printed = hub.run(fresh, "make", "retrain", "UNTIL=2024-12-09", "FORCE=yes")
    assert "rejected" in printed
    assert "pinned" in printed
    told = hub.run(clone, *KEEPFIT, "history")
    assert [line.split()[2:4] for line in told.splitlines() if "v0." in line] == [["v0.1.0", second], ["v0.2.0", first]]
    hub.run(clone, *KEEPFIT, "unpin", "--reason", "mended", "--push")
    assert events(hub.trail())[-2:] == ["rollback", "unpin"]
    hub.run(clone, *KEEPFIT, "rollback", "v0.1.0", "--reason", "it was the survey")
    assert "whole" in hub.run(clone, *KEEPFIT, "audit", "verify")
    assert json.loads((clone / "reports/shop/gate.json").read_text())["champion"]["version"] == second


def test_an_edited_trail_is_found(hub: Hub, work: Path):
    publish(hub, work)
    trail = work / "reports/audit.jsonl"
    trail.write_text("".join(trail.read_text().splitlines(keepends=True)[:-1]))
    assert "entry 4 (promote" in hub.run(work, *KEEPFIT, "audit", "verify", status=1)
