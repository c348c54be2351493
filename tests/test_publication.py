"""Publication keeps to what the turn made: whatever else stands in the clone is its user's."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from keepfit.errors import RepositoryError
from keepfit.publication import commit_turn, put_back
from keepfit.turn import Turn, begin
from keepfit.worktree import REPORTS, hash_made, list_written, refuse_changes, refuse_edits
from tests.repositories import clone, commit, make_hub, run, stand_in

GATE, DRIFT, CONFIG = "reports/shop/gate.json", "reports/shop/drift.json", "conf/config.yaml"
FOREIGN = ("conf/dataset/customers.yaml", "data/repairs/zips.csv", "reports/shop/replay.json", "notes.txt")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub")
    path = clone(make_hub(folder), folder / "work")
    subprocess.run(["dvc", "init", "--quiet"], cwd=path, check=True)
    (path / "reports/flights").mkdir()
    (path / "reports/flights/gate.json").write_text("{}\n")
    commit(path, "chore: DVC")
    return path


@pytest.fixture
def work(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return stand_in(Path(shutil.copytree(prepared, tmp_path / "work")), monkeypatch)


def take_turn() -> Turn:
    """A turn that changed one report, and made another."""
    turn = begin("shop").end("promoted", "better")
    Path(GATE).write_text('{"decision": "promote"}\n')
    Path(DRIFT).write_text("{}\n")
    return turn.model_copy(update={"made": hash_made("shop")})


def leave_foreign_work() -> dict[str, str]:
    """What a user does between two commands: new files, an edit, something staged. Return what is there."""
    for name in FOREIGN:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(f"mine: {name}\n")
    for name in (CONFIG, "README.md"):
        Path(name).write_text("mine\n")
    run(Path(), "add", "README.md", "notes.txt")
    return read_foreign_work()


def read_foreign_work() -> dict[str, str]:
    return {name: Path(name).read_text() for name in (*FOREIGN, CONFIG, "README.md", "reports/flights/gate.json")}


def test_the_files_of_a_turn_are_the_reports_that_the_graph_leaves_to_git():
    stages = yaml.safe_load((Path(__file__).parents[1] / "dvc.yaml").read_text())["stages"].values()
    outputs = [out for stage in stages for kind in ("outs", "metrics") for out in stage.get(kind, [])]
    named = {key for out in outputs if isinstance(out, dict) for key, how in out.items() if how.get("cache") is False}
    assert named == {f"reports/${{dataset.name}}/{name}" for name in REPORTS}


def test_what_a_turn_made_is_put_back_and_the_users_work_stays(work):
    turn = take_turn()
    before = leave_foreign_work()
    put_back(turn)
    assert read_foreign_work() == before
    assert Path(GATE).read_text() == "{}\n"
    assert not Path(DRIFT).exists()
    put_back(turn)
    assert read_foreign_work() == before


def test_a_promotion_commits_what_the_turn_made_and_nothing_else(work):
    turn = take_turn()
    before = leave_foreign_work()
    commit_turn(turn.add("promote", "better"), "feat: a champion")
    committed = run(work, "show", "--name-only", "--format=", "HEAD").split()
    assert sorted(committed) == ["reports/audit.jsonl", DRIFT, GATE]
    assert read_foreign_work() == before
    put_back(turn)
    assert read_foreign_work() == before
    assert run(work, "rev-parse", "HEAD") == turn.base
    assert not Path("reports/audit.jsonl").exists()


def test_a_file_of_the_turn_that_was_changed_since_is_not_published_over(work):
    turn = take_turn()
    leave_foreign_work()
    refuse_edits(turn)
    Path(GATE).write_text("mine\n")
    with pytest.raises(RepositoryError, match=rf"^{GATE}: changed since the turn ended"):
        refuse_edits(turn)


def test_a_turn_is_not_published_twice_nor_over_a_later_commit(work):
    turn = take_turn()
    commit(work, "feat: by hand")
    with pytest.raises(RepositoryError, match="published already, or you committed since"):
        refuse_edits(turn)


@pytest.mark.parametrize("name", [CONFIG, "README.md", "conf/dataset/shop.yaml", DRIFT])
def test_a_turn_does_not_begin_over_what_no_commit_holds(work, name):
    refuse_changes("shop")
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text("mine\n")
    with pytest.raises(RepositoryError, match=f"{name}: changed and not committed"):
        refuse_changes("shop")


def test_files_that_no_turn_writes_may_stand_untracked(work):
    for name in FOREIGN:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("mine\n")
    refuse_changes("shop")
    assert not set(FOREIGN) & set(list_written("shop"))
